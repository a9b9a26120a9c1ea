-- What a game's rules.lua uses: stock, limits, chances, events, rankings.

-- {granted, next unit, last unit} of a prize
local function stock_of(lane, prize)
  local stock = lane.stocks[prize]
  if not stock then
    stock = unpack_one(redis.call('HGET', lane.tag .. ':stock', prize))
    lane.stocks[prize] = stock
  end
  return stock
end

-- {day, points granted on it, in its month, in its year} of a member; a day is yyyymmdd
local function earned_on(notes, day)
  local earned = notes[EARNED] or { day, 0, 0, 0 }
  local last = earned[1]
  if last == day then return earned end
  return { day, 0, floor(last / 100) == floor(day / 100) and earned[3] or 0,
    floor(last / 10000) == floor(day / 10000) and earned[4] or 0 }
end

-- where a cap on a member's points is used up by what this room granted alone. What is granted over the rest
-- of a cap, or in other rooms, the ledger cuts: only it knows all
local function points_refused(lane, notes)
  local caps = lane.rule.points_caps
  if not caps or lane.day == 0 then return end
  local earned = earned_on(notes, lane.day)
  if caps.year and earned[4] >= caps.year or caps.month and earned[3] >= caps.month then return 'points_cap' end
  if caps.day and earned[2] >= caps.day then return 'points_cap', lane.next_day and lane.next_day - lane.now end
end

-- the code of the cap on wins or on points that stands in the way, or nil
local function win_refused(lane, me)
  local rule = lane.rule
  if not rule.limits_wins and not rule.points_caps then return end
  local wins, notes = rule.wins, notes_of(me)
  if wins.per_member and notes[WINS] >= wins.per_member then return 'win_limit' end
  if wins.per_day and lane.day == lane.day_of_wins and lane.day_wins >= wins.per_day then
    return 'win_limit', lane.next_day and lane.next_day - lane.now
  end
  local code, retry = points_refused(lane, notes)
  if code then return code, retry end
  if lane.now - notes[WON_AT] < wins.min_interval_ms then
    return 'win_limit', wins.min_interval_ms - (lane.now - notes[WON_AT])
  end
end

-- units by prize that a member has, of prizes that are counted
local function owned_by(me) return notes_of(me)[OWNED] end

local function joined_at(me) return notes_of(me)[JOINED] end

local function plays_refused(lane, me, per_day, in_all)
  local notes = notes_of(me)
  local today = notes[DAY] == lane.day and notes[DAY_CHANCES] or 0
  if in_all and notes[CHANCES] >= in_all then return 'no_chance_left' end
  if per_day and today >= per_day then return 'no_chance_left', lane.next_day and lane.next_day - lane.now end
end

-- where further plays cost points, only their number is a limit
local function chance_refused(lane, me)
  local chances = lane.rule.chances
  if not chances.cost_points then
    local code, retry = plays_refused(lane, me, chances.free_per_day, chances.free_total)
    if code then return code, retry end
  end
  return plays_refused(lane, me, chances.max_per_day, chances.max_total)
end

-- only from a game's apply
local function use_chance(lane, me, day)
  if not lane.rule.counts_chances then return end
  local notes = notes_of(me)
  notes[CHANCES] = notes[CHANCES] + 1
  notes[DAY_CHANCES] = notes[DAY] == day and notes[DAY_CHANCES] + 1 or 1
  notes[DAY] = day
end

local function emit(lane, class, name, body)
  lane.v = lane.v + 1
  lane.events[#lane.events + 1] = { lane.v, class, name, body }
end

-- a member's place in a ranking; written with the rest at the end of the call
local function rank(lane, ranking, score, member)
  local scores = lane.ranks[ranking]
  if not scores then
    scores = {}
    lane.ranks[ranking] = scores
  end
  scores[member] = score
end

local function rank_key(lane, ranking) return lane.tag .. ':rank:' .. ranking end

local function write_ranks(lane)
  for ranking, scores in pairs(lane.ranks) do
    local key, arguments, count = rank_key(lane, ranking), {}, 0
    for member, score in pairs(scores) do
      arguments[count + 1], arguments[count + 2] = score, member
      count = count + 2
      if count >= CHUNK then
        redis.call('ZADD', key, unpack(arguments, 1, count))
        count = 0
      end
    end
    if count > 0 then redis.call('ZADD', key, unpack(arguments, 1, count)) end
  end
  lane.ranks = {}
end

-- `count` of a ranking after the first `skip` as {{member, score} ...}
local function ranking_of(lane, ranking, count, skip)
  local flat = redis.call('ZREVRANGE', rank_key(lane, ranking), skip, skip + count - 1, 'WITHSCORES')
  local first = {}
  for i = 1, #flat, 2 do first[#first + 1] = { flat[i], tonumber(flat[i + 1]) } end
  return first
end

local function ranked(lane, ranking) return redis.call('ZCARD', rank_key(lane, ranking)) end

-- 1 for the first; 0 for one who is not in it
local function place_of(lane, ranking, member)
  local before = redis.call('ZREVRANK', rank_key(lane, ranking), member)
  return before and before + 1 or 0
end

local function forget_ranking(lane, ranking)
  lane.ranks[ranking] = nil
  redis.call('DEL', rank_key(lane, ranking))
end

local function name_of(lane, member)
  local me = member_of(lane, member)
  return me and notes_of(me)[NAME] or ''
end

-- members so far; the clock has a record too
local function joined(lane) return redis.call('HLEN', lane.tag .. ':m') - 1 + lane.fresh end
