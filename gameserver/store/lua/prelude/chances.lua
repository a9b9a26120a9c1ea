-- Chances: how many plays a member has. Free ones are used first, then gifts (outside events, prizes of kind
-- chance), then paid ones. Only rooms that limit plays count them (rule.counts_chances).

local NO_GIFTS = { 0, 0 }

local function gifts_left(notes)
  local gifts = notes[GIFTS] or NO_GIFTS
  return gifts[1] - gifts[2]
end

local function add_gifts(notes, count)
  local gifts = notes[GIFTS] or NO_GIFTS
  notes[EARNED] = notes[EARNED] or false -- no hole before GIFTS
  notes[GIFTS] = { gifts[1] + count, gifts[2] }
end

-- plays that were neither paid for nor gifts
local function free_used(lane, member, notes)
  local paid = lane.rule.chances.cost_points and purse_of(lane, member)[PAID] or 0
  return notes[CHANCES] - paid - (notes[GIFTS] or NO_GIFTS)[2]
end

-- the plays that a limit by day and one in all leave a member of `plays` plays; nil where there is neither
local function plays_left(notes, day, per_day, in_all, plays)
  local left = in_all and in_all - plays
  if per_day then
    local today = per_day - (notes[DAY] == day and notes[DAY_CHANCES] or 0)
    left = left and min(left, today) or today
  end
  return left and max(left, 0)
end

-- plays that cost nothing, nil: all of them; plays that may be made in all, nil: any number
local function free_left(lane, me, member, day)
  local chances, notes = lane.rule.chances, notes_of(me)
  local in_all = chances.free_total
  return plays_left(notes, day, chances.free_per_day, in_all, in_all and free_used(lane, member, notes))
end

local function most_left(lane, me, day)
  local chances, notes = lane.rule.chances, notes_of(me)
  return plays_left(notes, day, chances.max_per_day, chances.max_total, notes[CHANCES])
end

-- when a limit that stands in the way is gone: with the next day, unless the one in all stands there too
local function until_tomorrow(lane, per_day, in_all, plays, count)
  if in_all and in_all - plays < count then return end
  return per_day and lane.next_day and lane.next_day - lane.now
end

-- where further plays cost points, only their number is a limit
local function chance_refused(lane, me, member, count)
  local chances, notes = lane.rule.chances, notes_of(me)
  local most = most_left(lane, me, lane.day)
  if most and most < count then
    return 'no_chance_left', until_tomorrow(lane, chances.max_per_day, chances.max_total, notes[CHANCES], count)
  end
  if chances.cost_points then return end
  local free = free_left(lane, me, member, lane.day)
  if free and free + gifts_left(notes) < count then
    local used = free_used(lane, member, notes)
    return 'no_chance_left', until_tomorrow(lane, chances.free_per_day, chances.free_total, used, count)
  end
end

-- what the member pays for the plays that are about to begin: nil, nil, {number, amount} | nil; or the code
-- that makes the node fill the purse, with {last number, last fill, whether it is open, plays that may be made
-- | false, plays to pay for, points left}
local function price(lane, me, member, count)
  local free = free_left(lane, me, member, lane.day)
  local owed = free and count - free - gifts_left(notes_of(me)) or 0
  if owed <= 0 then return end
  local purse, cost = purse_of(lane, member), owed * lane.rule.chances.cost_points
  local opened = purse[UNTIL] > lane.now
  if opened and purse[LEFT] >= cost then return nil, nil, { purse[NUMBER], cost } end
  if not opened then end_purse(lane, member) end -- its points are wanted back the sooner
  return NEEDED, { purse[NUMBER], purse[FILL], opened, most_left(lane, me, lane.day) or false, owed, purse[LEFT] }
end

-- what the page and the node are told with a play: {points it cost, free plays left | false, points left in the
-- purse, its number, its fill, plays that may be made | false, gifts left}
local function play_told(lane, me, member, day, cost)
  local purse = lane.rule.chances.cost_points and purse_of(lane, member) or purse_in(nil)
  return { cost, free_left(lane, me, member, day) or false, purse[LEFT], purse[NUMBER], purse[FILL],
    most_left(lane, me, day) or false, gifts_left(notes_of(me)) }
end

-- only from a game's apply: the command has begun `count` plays
local function use_chance(lane, me, day, count)
  if not lane.rule.counts_chances then return end
  local notes, acting = notes_of(me), lane.acting -- {member, plays it pays for, plays it began, whether it won some}
  local free = free_left(lane, me, acting[1], day)
  local gifts = free and max(0, count - acting[2] - free) or 0
  if gifts > 0 then
    notes[EARNED] = notes[EARNED] or false
    notes[GIFTS] = { notes[GIFTS][1], notes[GIFTS][2] + gifts }
  end
  notes[CHANCES] = notes[CHANCES] + count
  notes[DAY_CHANCES] = notes[DAY] == day and notes[DAY_CHANCES] + count or count
  notes[DAY] = day
  acting[3] = acting[3] + count
end
