-- The prize engine: what a drawn prize comes to. lane.rule.prizes (rooms/opening.py) is
--   {id = {kind, points, chances, per_member, per_day, fallback, from + till | steps {{at, units so far} ...}, total}}

-- units that the schedule has let out by now; nil: all
local function released(lane, prize)
  if prize.steps then
    local units = 0
    for _, step in ipairs(prize.steps) do
      if step[1] <= lane.now then units = step[2] end
    end
    return units
  end
  if prize.till then
    local share = (lane.now - prize.from) / max(prize.till - prize.from, 1)
    return share < 0 and 0 or min(prize.total, floor(prize.total * share) + 1)
  end
end

-- whether one member may not have one more unit of it, beside `taken` of this command
local function may_own(lane, me, id, taken)
  local prize = lane.rule.prizes[id]
  return not (prize and prize.per_member) or (owned_by(me)[id] or 0) + (taken or 0) < prize.per_member
end

local function is_left(lane, id, taken)
  local prize, stock = lane.rule.prizes[id], stock_of(lane, id)
  if stock[2] + taken > stock[3] then return false end
  local out = released(lane, prize)
  if out and stock[1] + taken >= out then return false end
  return not prize.per_day or (stock[4] == lane.day and stock[5] or 0) + taken < prize.per_day
end

-- whether the room's caps on wins leave room for one more beside `wins` of this command
local function may_win(lane, me, wins)
  local rule = lane.rule
  if wins == 0 or not rule.limits_wins then return true end -- win_refused has looked before
  local caps = rule.wins
  if caps.min_interval_ms > 0 then return false end
  if caps.per_member and notes_of(me)[WINS] + wins >= caps.per_member then return false end
  return not caps.per_day or (lane.day == lane.day_of_wins and lane.day_wins or 0) + wins < caps.per_day
end

local WINS_DRAWN = 0 -- a key in `drawn` that is no prize's id

-- the prize that `wanted` comes to for this member, itself or the first of its fallbacks that is left and that
-- they may have, and its grant (nil for kind none); nil where nothing is left. `drawn` is the command's own
-- table, {} at first: what it has taken already
local function awarded(lane, me, member, wanted, drawn)
  local id, wins = wanted, drawn[WINS_DRAWN] or 0
  while id do
    local prize = lane.rule.prizes[id]
    if prize.kind == 'none' then return id end
    local taken = drawn[id] or 0
    if may_win(lane, me, wins) and may_own(lane, me, id, taken) and is_left(lane, id, taken) then
      drawn[id], drawn[WINS_DRAWN] = taken + 1, wins + 1
      return id, { id, stock_of(lane, id)[2] + taken, prize.points, lane.epoch, member }
    end
    id = prize.fallback
  end
end
