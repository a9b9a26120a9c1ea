-- The prelude: everything about a command that is not the game's own decision. One library per game is
-- loaded as this file, then the game's rules.lua, then register.lua.
--
-- Every function takes KEYS[1] = the lane's hash tag, such as {r42.0}, and ARGV[1] = MessagePack; it
-- returns MessagePack. All keys below are built from the tag (gameserver/store/keys.py is their list).
--
-- State is a fold of lines: a command is decided without changing anything, the decision is one line,
-- and `apply` alone changes state. A rebuild applies the recorded lines with the same `apply`.
--   line   = {session, ref, member, at, day, body, fact, grants}     fact[1] is its kind
--   grant  = {prize, unit, amount, epoch, member}
--   result = {1, body, {{prize, unit, amount, epoch} ...}} | {0, code, retry_ms | false}
-- A refusal changes nothing but the answer memory, and writes no line.
--
-- The path of a command makes as few Lua objects as it can: records are unpacked by `struct` into one
-- table, lines and results are put together as bytes. That is what 256 commands in one call cost.

-- a library may touch no global while it is loaded, so its first call binds these
local pack, unpack_one, put, get, floor, max, min, byte, char, sub

local MUST, CONFLATED = 1, 2 -- event classes
local ANSWERS = 8            -- answers remembered per session
local SESSIONS = 4           -- sessions remembered per member
local EVENTS = 256           -- room events that `since` can recover
local TALLY_MS = 100         -- conflated events: at most ten a second
local CLOCK = 'clock'        -- the session of the room's own clock; its member is ''
local CHUNK = 500            -- arguments per call, well below Lua's stack

-- a member's record: TAT, the lengths of RARE and OPEN, then OPEN, RARE and GAME. OPEN is the member's
-- sessions one after the other; RARE is MessagePack of what few commands need, which notes_of turns into
-- NOTES; GAME is the game's own text, which game.decode turns into PLAY
local HEADER = '<dI2I2'
local RECORD = HEADER .. 'c0'
local TAT, RARE, OPEN, GAME, NOTES, PLAY = 1, 2, 3, 4, 5, 6
-- OWNED is {prize = units} of counted prizes; GIVEN is what the clock granted, the last ones:
-- {prize, unit, amount, epoch, session, ref}
local NAME, OWNED, GIVEN, JOINED, WINS, WON_AT, CHANCES, DAY, DAY_CHANCES = 1, 2, 3, 4, 5, 6, 7, 8, 9
-- a session: id, highest ref, number of answers, bytes of answers; then the answers, each as u16be length,
-- MessagePack ref and result
local SESSION = '<Bc0dBI2'

-- a command in the batch, after its number of places, at c[b + 1] ...:
--   member, session, ref, op, deny | false, what the op needs ...

local game -- rules.lua sets it

local function bind()
  pack, unpack_one = cmsgpack.pack, cmsgpack.unpack
  put, get = struct.pack, struct.unpack
  floor, max, min = math.floor, math.max, math.min
  byte, char, sub = string.byte, string.char, string.sub
  -- what lives is small and what a call leaves is large: collecting seldom saved 4% of a claim
  collectgarbage('setpause', 1000)
end

local function time_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + floor(t[2] / 1000)
end

-- nil when the lane's head is not there: Redis lost it
local function load_lane(tag)
  bind()
  local head = redis.call('HMGET', tag .. ':room', 'epoch', 'state', 'opens', 'closes', 'v', 'sessions',
    'tallied', 'floor', 'day', 'day_wins', 'dirty')
  if not head[1] then return nil end
  return {
    tag = tag, now = time_ms(), epoch = tonumber(head[1]), state = head[2], opens = tonumber(head[3]),
    closes = tonumber(head[4]), v = tonumber(head[5]), sessions = tonumber(head[6]),
    tallied = tonumber(head[7]), floor = tonumber(head[8]), day_of_wins = tonumber(head[9]),
    day_wins = tonumber(head[10]), dirty = head[11] == '1', rule = unpack_one(redis.call('GET', tag .. ':rule')),
    game = unpack_one(redis.call('GET', tag .. ':game')), records = {}, changed = {}, stocks = {}, ranks = {},
    lines = {}, events = {}, day = 0, fresh = 0, moved = false,
  }
end

-- MessagePack's header of an array
local function array(count)
  if count < 16 then return char(144 + count) end
  return char(220, floor(count / 256), count % 256)
end

-- Members ----------------------------------------------------------------------------------------

local function load(lane, members)
  for first = 1, #members, CHUNK do
    local last = min(first + CHUNK - 1, #members)
    local found = redis.call('HMGET', lane.tag .. ':m', unpack(members, first, last))
    for i = first, last do
      local record = found[i - first + 1]
      if record then
        local me = { get(RECORD, record) }
        local rare, after = me[RARE], me[GAME] -- the length of RARE, and the place after what `get` read
        me[RARE], me[GAME] = sub(record, after, after + rare - 1), sub(record, after + rare)
        lane.records[members[i]] = me
      else
        lane.records[members[i]] = false
      end
    end
  end
end

local function member_of(lane, member)
  if lane.records[member] == nil then load(lane, { member }) end
  return lane.records[member]
end

local function nobody() return { 0, pack({ '', {}, {}, 0, 0, 0, 0, 0, 0 }), '', '' } end

local function notes_of(me)
  local notes = me[NOTES]
  if not notes then
    notes = unpack_one(me[RARE])
    me[NOTES] = notes
  end
  return notes
end

-- the game's part of a member, for the rule; nil before the first play
local function play_of(me)
  local play = me[PLAY]
  if not play and me[GAME] ~= '' then
    play = game.decode(me[GAME])
    me[PLAY] = play
  end
  return play
end

-- a session of the member: ref, number of answers, bytes of answers, where they begin, where the session
-- begins; nil if it is unknown
local function session_of(me, wanted)
  local open, at = me[OPEN], 1
  while at <= #open do
    local id, ref, count, length, first = get(SESSION, open, at)
    if id == wanted then return ref, count, length, first, at end
    at = first + length
  end
end

-- puts an answer into a session found by `session_of`; `answer` is packed ref and result
local function remember(me, id, ref, count, length, first, at, answer)
  local open, after = me[OPEN], first + length
  if count == ANSWERS then
    local high, low = byte(open, first, first + 1)
    first = first + 2 + high * 256 + low
  else
    count = count + 1
  end
  local size = #answer
  local session = put(SESSION, #id, id, ref, count, after - first + 2 + size) .. sub(open, first, after - 1)
    .. (size < 256 and char(0, size) or char(floor(size / 256), size % 256)) .. answer
  if at > 1 or after <= #open then session = sub(open, 1, at - 1) .. session .. sub(open, after) end
  me[OPEN] = session
end

-- all remembered answers of a session as {ref, packed result} in order
local function remembered(me, length, first)
  local answers, open, at = {}, me[OPEN], first
  while at < first + length do
    local size = byte(open, at) * 256 + byte(open, at + 1)
    local answer = sub(open, at + 2, at + 1 + size)
    local ref = unpack_one(answer)
    answers[#answers + 1] = { ref, sub(answer, #pack(ref) + 1) }
    at = at + 2 + size
  end
  return answers
end

-- What games use ---------------------------------------------------------------------------------

-- {granted, next unit, last unit} of a prize
local function stock_of(lane, prize)
  local stock = lane.stocks[prize]
  if not stock then
    stock = unpack_one(redis.call('HGET', lane.tag .. ':stock', prize))
    lane.stocks[prize] = stock
  end
  return stock
end

-- the code of the win cap that stands in the way, or nil
local function win_refused(lane, me)
  local rule = lane.rule
  if not rule.limits_wins then return end
  local wins, notes = rule.wins, notes_of(me)
  if wins.per_member and notes[WINS] >= wins.per_member then return 'win_limit' end
  if wins.per_day and lane.day == lane.day_of_wins and lane.day_wins >= wins.per_day then
    return 'win_limit', lane.next_day and lane.next_day - lane.now
  end
  if lane.now - notes[WON_AT] < wins.min_interval_ms then
    return 'win_limit', wins.min_interval_ms - (lane.now - notes[WON_AT])
  end
end

-- units by prize that a member has, of prizes that are counted
local function owned_by(me) return notes_of(me)[OWNED] end

local function joined_at(me) return notes_of(me)[JOINED] end

local function chance_refused(lane, me)
  local chances, notes = lane.rule.chances, notes_of(me)
  local today = notes[DAY] == lane.day and notes[DAY_CHANCES] or 0
  if chances.free_total and notes[CHANCES] >= chances.free_total then return 'no_chance_left' end
  if chances.free_per_day and today >= chances.free_per_day then
    return 'no_chance_left', lane.next_day and lane.next_day - lane.now
  end
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

-- Applying a line --------------------------------------------------------------------------------

-- the packed result of an executed command; `body` is packed
local function result_of(body, grants, member)
  if not grants then return '\147\1' .. body .. '\144' end
  local own, count = '', 0
  for i = 1, #grants do
    local grant = grants[i]
    if grant[5] == member then
      own = own .. '\148' .. pack(grant[1], grant[2], grant[3], grant[4])
      count = count + 1
    end
  end
  return '\147\1' .. body .. array(count) .. own
end

local function apply_join(lane, id, at, member, name)
  local me = member_of(lane, member)
  if not me then
    me = nobody()
    notes_of(me)[JOINED] = at
    lane.records[member] = me
    lane.fresh = lane.fresh + 1
  end
  notes_of(me)[NAME] = name
  local open, count, place, second = me[OPEN], 0, 1
  while place <= #open do
    local _, _, _, length, first = get(SESSION, open, place)
    count, place = count + 1, first + length
    second = second or place
  end
  if count == SESSIONS then open = sub(open, second) end
  me[OPEN] = open .. put(SESSION, #id, id, 0, 0, 0)
  lane.sessions = max(lane.sessions, tonumber(string.match(id, '%d+$')))
  lane.changed[member] = true
end

-- loads the members at `place` of each line in one call
local function load_all(lane, lines, place)
  local members = {}
  for _, line in ipairs(lines) do
    if lane.records[line[place]] == nil then members[#members + 1] = line[place] end
  end
  load(lane, members)
end

-- wins where they are limited, units of counted prizes, and what the clock gave
local function note_grant(lane, me, at, grant, id, ref, member)
  local notes = notes_of(me)
  if lane.rule.limits_wins then notes[WINS], notes[WON_AT] = notes[WINS] + 1, at end
  if lane.rule.counted[grant[1]] then notes[OWNED][grant[1]] = (notes[OWNED][grant[1]] or 0) + 1 end
  if grant[5] ~= member then
    local given = notes[GIVEN]
    if #given == ANSWERS then table.remove(given, 1) end
    given[#given + 1] = { grant[1], grant[2], grant[3], grant[4], id, ref }
    lane.changed[grant[5]] = true
  end
end

local function apply_grants(lane, id, ref, member, at, day, grants)
  if id == CLOCK then load_all(lane, grants, 5) end
  local rule = lane.rule
  for i = 1, #grants do
    local grant = grants[i]
    local prize, unit = grant[1], grant[2]
    local stock, me = stock_of(lane, prize), lane.records[grant[5]]
    stock[1] = stock[1] + 1
    if unit >= stock[2] then stock[2] = unit + 1 end
    if rule.limits_wins or grant[5] ~= member or rule.counted[prize] then
      note_grant(lane, me, at, grant, id, ref, member)
    end
    if rule.wins.per_day then
      if lane.day_of_wins ~= day then lane.day_of_wins, lane.day_wins = day, 0 end
      lane.day_wins = lane.day_wins + 1
    end
  end
end

-- the only place where a line changes a member; the fact's places come last
local function apply(lane, me, id, ref, member, at, day, grants, extra, ...)
  if id ~= CLOCK then
    local tat = me[TAT]
    me[TAT] = (tat > at and tat or at) + lane.rule.gcra.interval
  end
  if grants then apply_grants(lane, id, ref, member, at, day, grants) end
  game.apply(lane, me, member, at, day, grants, extra, ...)
  lane.changed[member] = true
end

-- Deciding ---------------------------------------------------------------------------------------

-- what refuses everybody in this tick: nil or a code and the ms after which to try again
local function shut(lane)
  if lane.state == 'paused' then return 'paused' end
  if lane.state == 'closed' or lane.now > lane.closes then return 'closed' end
  if lane.now < lane.opens then return 'not_open', lane.opens - lane.now end
end

-- the gate, in the order that GAMES.md fixes; nil or a code and the ms after which to try again
local function gate(lane, me, c, b)
  local deny = c[b + 5]
  if deny == 'blocked' then return deny end
  if lane.shut then return lane.shut, lane.shut_for end
  if deny then return deny, c[b + 6] end
  local rule = lane.rule
  if rule.counts_chances and game.begins(me, c, b) then
    local code, retry = chance_refused(lane, me)
    if code then return code, retry end
  end
  local gcra = rule.gcra
  local ahead = me[TAT] - lane.now
  if ahead > gcra.tolerance then return 'rate_limited', ahead - gcra.tolerance end
end

local function refusal(code, retry) return pack({ 0, code, retry and math.ceil(retry) or false }) end

local function replayed(me, length, first, ref)
  for _, answer in ipairs(remembered(me, length, first)) do
    if answer[1] == ref then return answer[2] end
  end
  return refusal('ref_too_old')
end

-- what a rule's decision comes to: the packed result, or nil, a code and when to retry. A rule returns
--   packed body, grants | false, extra, packed fact, the fact's places ...   or   nil, code, retry_ms
local function concluded(lane, me, c, b, sound, body, grants, extra, fact, ...)
  local member, id, ref = c[b + 1], c[b + 2], c[b + 3]
  if not sound then
    redis.log(redis.LOG_WARNING, 'rule ' .. tostring(c[b + 4]) .. ': ' .. tostring(body))
    return nil, 'internal'
  end
  if not body then return nil, grants, extra end
  apply(lane, me, id, ref, member, lane.now, lane.day, grants, extra, ...)
  local given, result, packed_member = '\144', nil, pack(member)
  if not grants then
    result = '\147\1' .. body .. given
  elseif #grants == 1 and grants[1][5] == member then
    local grant = grants[1]
    local own = pack(grant[1], grant[2], grant[3], grant[4])
    given, result = '\145\149' .. own .. packed_member, '\147\1' .. body .. '\145\148' .. own
  else
    given = array(#grants)
    for _, grant in ipairs(grants) do
      given = given .. '\149' .. pack(grant[1], grant[2], grant[3], grant[4], grant[5])
    end
    result = result_of(body, grants, member)
  end
  local lines = lane.lines
  lines[#lines + 1] = '\152' .. pack(id, ref) .. packed_member .. lane.stamp .. body .. fact .. given
  return result
end

-- the command at c[b + 1] ...: its packed result
local function run(lane, c, b)
  local member, id, ref = c[b + 1], c[b + 2], c[b + 3]
  local me = lane.records[member]
  local last, count, length, first, at
  if me then last, count, length, first, at = session_of(me, id) end
  if not last then return refusal('session_unknown') end
  if ref <= last then return replayed(me, length, first, ref) end
  local code, retry, result
  if id ~= CLOCK then code, retry = gate(lane, me, c, b) end
  if not code then
    result, code, retry = concluded(lane, me, c, b, pcall(game.commands[c[b + 4]], lane, me, c, b))
  end
  -- the clock asks again until its rule is mended; a member's ref keeps its answer
  if code == 'internal' and id == CLOCK then return refusal(code) end
  if result then lane.moved = true else result = refusal(code, retry) end
  remember(me, id, ref, count, length, first, at, pack(ref) .. result)
  lane.changed[member] = true
  return result
end

-- what `since` missed: whether all of it is still known, and the events
local function missed_since(lane, since)
  local missed = {}
  if not since or since < lane.floor or since > lane.v then return false, missed end
  for _, entry in ipairs(redis.call('XRANGE', lane.tag .. ':ev', '(' .. since .. '-0', '+')) do
    missed[#missed + 1] = unpack_one(entry[2][2])
  end
  return true, missed
end

-- a new session, or the one the page asks for if it is still known: its id
local function enter(lane, guest, wanted)
  local member = guest[1]
  local known = member_of(lane, member)
  if known and wanted and session_of(known, wanted) then return wanted end
  local id = 's' .. lane.epoch .. '-' .. (lane.sessions + 1)
  apply_join(lane, id, lane.now, member, guest[2])
  lane.lines[#lane.lines + 1] = pack({ id, 0, member, lane.now, lane.day, false, { 'joined', guest[2] }, {} })
  lane.moved = true
  return id
end

-- join: ticket, wanted session | false, since | false
local function join(lane, c, b)
  local ticket = redis.call('GETDEL', lane.tag .. ':tk:' .. c[b + 6])
  if not ticket then return refusal('bad_ticket') end
  local guest = unpack_one(ticket) -- {member, name, levels, tags}; member '' is a spectator
  local member, id, me, answers = guest[1], '', nobody(), {}
  if member ~= '' then
    id = enter(lane, guest, c[b + 7])
    me = lane.records[member]
    local _, _, length, first = session_of(me, id)
    for i, answer in ipairs(remembered(me, length, first)) do answers[i] = { answer[1], unpack_one(answer[2]) } end
  end
  local recovered, missed = missed_since(lane, c[b + 8])
  write_ranks(lane)
  return pack({ 2, id, guest, lane.v, lane.state, recovered, missed, joined(lane), game.view(lane, me, member),
    notes_of(me)[GIVEN], answers })
end

-- Writing ----------------------------------------------------------------------------------------

local function record_of(me)
  if me[PLAY] then me[GAME] = game.encode(me[PLAY]) end
  if me[NOTES] then me[RARE] = pack(me[NOTES]) end
  local rare, open = me[RARE], me[OPEN]
  -- only numbers through `put`: it copies text byte by byte
  return put(HEADER, me[TAT], #rare, #open) .. open .. rare .. me[GAME]
end

local function write_members(lane)
  local arguments, count = {}, 0
  for member in pairs(lane.changed) do
    arguments[count + 1], arguments[count + 2] = member, record_of(lane.records[member])
    count = count + 2
    if count >= CHUNK then
      redis.call('HSET', lane.tag .. ':m', unpack(arguments, 1, count))
      count = 0
    end
  end
  if count > 0 then redis.call('HSET', lane.tag .. ':m', unpack(arguments, 1, count)) end
  lane.fresh = 0
end

local function write_events(lane)
  local key = lane.tag .. ':ev'
  for _, event in ipairs(lane.events) do
    if event[2] == MUST then
      redis.call('XADD', key, event[1] .. '-0', 'e', pack(event))
      if redis.call('XLEN', key) > EVENTS then
        local oldest = redis.call('XRANGE', key, '-', '+', 'COUNT', 1)[1][1]
        redis.call('XDEL', key, oldest)
        lane.floor = tonumber(string.match(oldest, '^%d+'))
      end
    end
  end
  if #lane.events > 0 then redis.call('PUBLISH', lane.tag .. ':push', pack({ 'events', lane.events })) end
end

-- emits the tally when one is due; else the ms until it is, 0 when nothing has changed
local function tally(lane)
  if not lane.dirty then return 0 end
  local wait = lane.tallied + TALLY_MS - lane.now
  if wait > 0 then return wait end
  emit(lane, CONFLATED, 'tally', game.tally(lane))
  lane.tallied, lane.dirty = lane.now, false
  return 0
end

local function write(lane)
  write_ranks(lane)
  write_members(lane)
  for prize, stock in pairs(lane.stocks) do redis.call('HSET', lane.tag .. ':stock', prize, pack(stock)) end
  redis.call('SET', lane.tag .. ':game', pack(lane.game))
  if #lane.lines > 0 then
    redis.call('XADD', lane.tag .. ':out', '*', 'l', array(#lane.lines) .. table.concat(lane.lines))
  end
end

local function write_head(lane)
  redis.call('HSET', lane.tag .. ':room', 'v', lane.v, 'sessions', lane.sessions, 'tallied', lane.tallied,
    'floor', lane.floor, 'day', lane.day_of_wins, 'day_wins', lane.day_wins, 'dirty', lane.dirty and 1 or 0)
end

-- Functions --------------------------------------------------------------------------------------

local function lost() return pack({ -1, 'lane_lost' }) end

-- ARGV[1] = {epoch, {{from_ms, day} ...}, {member ...} of the commands, {places, command's places ..., places,
-- ...}}; returns {now, ms to the next tally, {result ...}} or {-1, code}: nothing was executed
local function tick(keys, args)
  local lane = load_lane(keys[1])
  local batch = unpack_one(args[1])
  if not lane or lane.epoch ~= batch[1] or lane.state == 'rebuilding' then return lost() end
  for _, day in ipairs(batch[2]) do
    if day[1] <= lane.now then lane.day = day[2] else lane.next_day = lane.next_day or day[1] end
  end
  lane.stamp = pack(lane.now, lane.day)
  lane.shut, lane.shut_for = shut(lane)
  local c, results, count, b = batch[4], {}, 0, 1
  local last = #c
  load(lane, batch[3])
  while b <= last do
    count = count + 1
    results[count] = c[b + 4] == 'join' and join(lane, c, b) or run(lane, c, b)
    b = b + c[b] + 1
  end
  if next(lane.changed) then write(lane) end
  lane.dirty = lane.dirty or lane.moved
  local wait = tally(lane)
  write_events(lane)
  if lane.moved or #lane.events > 0 then write_head(lane) end
  return '\147' .. pack(lane.now, wait) .. array(count) .. table.concat(results)
end

-- ARGV[1] = {epoch, state, opens, closes, rule, {{prize, first, last} ...}}; creates the lane's state
local function open(keys, args)
  bind()
  local tag, lane = keys[1], unpack_one(args[1])
  local floor_v = (lane[1] - 1) * 4294967296 -- versions keep rising over epochs
  redis.call('HSET', tag .. ':room', 'epoch', lane[1], 'state', lane[2], 'opens', lane[3], 'closes', lane[4],
    'v', floor_v, 'floor', floor_v, 'sessions', 0, 'tallied', 0, 'day', 0, 'day_wins', 0, 'dirty', 0)
  redis.call('SET', tag .. ':rule', pack(lane[5]))
  redis.call('SET', tag .. ':game', pack({}))
  for _, lease in ipairs(lane[6]) do
    redis.call('HSET', tag .. ':stock', lease[1], pack({ 0, lease[2], lease[3] }))
  end
  local clock = nobody()
  clock[OPEN] = put(SESSION, #CLOCK, CLOCK, 0, 0, 0)
  redis.call('HSET', tag .. ':m', '', record_of(clock))
  return pack({ 1 })
end

-- ARGV[1] = {epoch, state, rebuilt}; state: open, paused, closed; tells everybody. A lane that is being
-- rebuilt takes its state from the record at the end, and from nobody else before
local function set_state(keys, args)
  local lane = load_lane(keys[1])
  local wanted = unpack_one(args[1])
  if not lane or lane.epoch ~= wanted[1] then return lost() end
  if lane.state == 'rebuilding' and not wanted[3] then return pack({ 0 }) end
  redis.call('HSET', lane.tag .. ':room', 'state', wanted[2])
  emit(lane, MUST, 'room_changed', { wanted[2] })
  write_events(lane)
  write_head(lane)
  return pack({ 1 })
end

-- ARGV[1] = {member ...}; returns {{view, given} ...}
local function views(keys, args)
  local lane = load_lane(keys[1])
  if not lane then return lost() end
  local members, seen = unpack_one(args[1]), {}
  load(lane, members)
  for i, member in ipairs(members) do
    local me = lane.records[member] or nobody()
    seen[i] = { game.view(lane, me, member), notes_of(me)[GIVEN] }
  end
  return pack(seen)
end

-- returns {highest ref of the room's clock}
local function clock(keys, args)
  local lane = load_lane(keys[1])
  if not lane then return lost() end
  return pack({ (session_of(member_of(lane, ''), CLOCK)) })
end

-- one recorded line; a session that has made room for newer ones is not restored: its refs stay unknown
local function fold_line(lane, line, extra)
  local id, ref, member, at, day, fact, grants = line[1], line[2], line[3], line[4], line[5], line[7], line[8]
  if fact[1] == 'joined' then return apply_join(lane, id, at, member, fact[2]) end
  local me = member_of(lane, member)
  grants = #grants > 0 and grants
  apply(lane, me, id, ref, member, at, day, grants, extra, unpack(fact))
  local last, count, length, first, place = session_of(me, id)
  if not last then return end
  remember(me, id, ref, count, length, first, place, pack(ref) .. result_of(pack(line[6]), grants, member))
end

-- ARGV[1] = {{line, extra} ...}: applies recorded lines to a lane that is being rebuilt
local function fold(keys, args)
  local lane = load_lane(keys[1])
  if not lane or lane.state ~= 'rebuilding' then return lost() end
  for _, recorded in ipairs(unpack_one(args[1])) do fold_line(lane, recorded[1], recorded[2]) end
  write(lane)
  write_head(lane)
  return pack({ 1 })
end
