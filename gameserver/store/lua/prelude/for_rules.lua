-- What a game's rules.lua uses: stock, limits, events, rankings.

-- {granted, next unit, last unit} of a prize, and of one that is capped by day: the day and what it granted on it
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

-- adds to a score, and may be asked to any number of times a tick; only from apply
local function rank_up(lane, ranking, by, member)
  local scores = lane.ups[ranking]
  if not scores then
    scores = {}
    lane.ups[ranking] = scores
  end
  scores[member] = (scores[member] or 0) + by
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
  for ranking, scores in pairs(lane.ups) do
    local key = rank_key(lane, ranking)
    for member, by in pairs(scores) do redis.call('ZINCRBY', key, by, member) end
  end
  lane.ranks, lane.ups = {}, {}
end

-- a member's score, with what this tick has changed; nil for one who is not in it
local function score_of(lane, ranking, member)
  local set = lane.ranks[ranking] and lane.ranks[ranking][member]
  local written = set or redis.call('ZSCORE', rank_key(lane, ranking), member)
  local up = lane.ups[ranking] and lane.ups[ranking][member]
  if written or up then return (tonumber(written) or 0) + (up or 0) end
end

-- `into` becomes the sum of both; only from apply
local function add_rankings(lane, into, from)
  write_ranks(lane)
  redis.call('ZUNIONSTORE', rank_key(lane, into), 2, rank_key(lane, into), rank_key(lane, from))
end

-- `into` becomes a copy; only from apply
local function copy_ranking(lane, into, from)
  write_ranks(lane)
  redis.call('ZUNIONSTORE', rank_key(lane, into), 1, rank_key(lane, from))
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
  lane.ranks[ranking], lane.ups[ranking] = nil, nil
  redis.call('DEL', rank_key(lane, ranking))
end

local function name_of(lane, member)
  local me = member_of(lane, member)
  return me and notes_of(me)[NAME] or ''
end

-- members so far; the clock has a record too, and so have the hosts
local function joined(lane)
  local key = lane.tag .. ':m'
  return redis.call('HLEN', key) - 1 - redis.call('HEXISTS', key, HOST) + lane.fresh
end
