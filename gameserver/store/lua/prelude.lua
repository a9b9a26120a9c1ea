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

-- a library may touch no global while it is loaded, so its first call binds these
local pack, unpack_one, floor, max, min, byte, char, sub

local MUST, CONFLATED = 1, 2 -- event classes
local ANSWERS = 8            -- answers remembered per session
local SESSIONS = 4           -- sessions remembered per member
local EVENTS = 256           -- room events that `since` can recover
local TALLY_MS = 100         -- conflated events: at most ten a second
local CLOCK = 'clock'        -- the session of the room's own clock; its member is ''
local CHUNK = 500            -- arguments per call, well below Lua's stack

-- a member's record, kept as one MessagePack array per member in the hash of members
local NAME, JOINED, TAT, WINS, WON_AT, CHANCES, DAY, DAY_CHANCES, OWNED, GIVEN, OPEN, GAME =
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
-- a session inside it: {id, highest ref, number of answers, answers}; an answer is u16be length, then
-- MessagePack ref and result
local ID, REF, COUNT, MEMORY = 1, 2, 3, 4

local Lane = {}
Lane.__index = Lane

local function time_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + floor(t[2] / 1000)
end

local function bind()
  pack, unpack_one = cmsgpack.pack, cmsgpack.unpack
  floor, max, min = math.floor, math.max, math.min
  byte, char, sub = string.byte, string.char, string.sub
end

-- nil when the lane's head is not there: Redis lost it
local function load_lane(tag)
  bind()
  local head = redis.call('HMGET', tag .. ':room', 'epoch', 'state', 'opens', 'closes', 'v', 'sessions',
    'tallied', 'floor', 'day', 'day_wins', 'dirty')
  if not head[1] then return nil end
  local game = redis.call('GET', tag .. ':game')
  return setmetatable({
    tag = tag, now = time_ms(), epoch = tonumber(head[1]), state = head[2], opens = tonumber(head[3]),
    closes = tonumber(head[4]), v = tonumber(head[5]), sessions = tonumber(head[6]),
    tallied = tonumber(head[7]), floor = tonumber(head[8]), day_of_wins = tonumber(head[9]),
    day_wins = tonumber(head[10]), dirty = head[11] == '1', rule = unpack_one(redis.call('GET', tag .. ':rule')),
    game = game and unpack_one(game) or {}, records = {}, changed = {}, stocks = {}, ranks = {},
    lines = {}, events = {}, day = 0, fresh = 0, moved = false,
  }, Lane)
end

-- Members ----------------------------------------------------------------------------------------

function Lane:load(members)
  for first = 1, #members, CHUNK do
    local last = min(first + CHUNK - 1, #members)
    local found = redis.call('HMGET', self.tag .. ':m', unpack(members, first, last))
    for i = first, last do
      local record = found[i - first + 1]
      self.records[members[i]] = record and unpack_one(record)
    end
  end
end

function Lane:member(member)
  if self.records[member] == nil then self:load({ member }) end
  return self.records[member]
end

function Lane:touch(member) self.changed[member] = true end

local function session_of(me, id)
  for _, session in ipairs(me[OPEN]) do
    if session[ID] == id then return session end
  end
end

local function remember(session, ref, result)
  local answer = pack(ref) .. result
  local memory = session[MEMORY]
  if session[COUNT] == ANSWERS then
    memory = sub(memory, 3 + byte(memory, 1) * 256 + byte(memory, 2))
  else
    session[COUNT] = session[COUNT] + 1
  end
  session[REF] = ref
  session[MEMORY] = memory .. char(floor(#answer / 256), #answer % 256) .. answer
end

-- all remembered answers as {ref, result} in order
local function remembered(session)
  local answers, memory, at = {}, session[MEMORY], 1
  while at <= #memory do
    local length = byte(memory, at) * 256 + byte(memory, at + 1)
    answers[#answers + 1] = { unpack_one(sub(memory, at + 2, at + 1 + length)) }
    at = at + 2 + length
  end
  return answers
end

-- What games use ---------------------------------------------------------------------------------

-- {granted, next unit, last unit} of a prize
function Lane:stock(prize)
  local stock = self.stocks[prize]
  if not stock then
    stock = unpack_one(redis.call('HGET', self.tag .. ':stock', prize))
    self.stocks[prize] = stock
  end
  return stock
end

-- the code of the win cap that stands in the way, or nil
function Lane:win_refused(me)
  local wins = self.rule.wins
  if wins.per_member and me[WINS] >= wins.per_member then return 'win_limit' end
  if wins.per_day and self.day == self.day_of_wins and self.day_wins >= wins.per_day then return 'win_limit' end
  if self.now - me[WON_AT] < wins.min_interval_ms then
    return 'win_limit', wins.min_interval_ms - (self.now - me[WON_AT])
  end
end

-- units of a prize that a member has
function Lane:owned(me, prize) return me[OWNED] and me[OWNED][prize] or 0 end

function Lane:chance_refused(me)
  local chances = self.rule.chances
  local today = me[DAY] == self.day and me[DAY_CHANCES] or 0
  if chances.free_total and me[CHANCES] >= chances.free_total then return 'no_chance_left' end
  if chances.free_per_day and today >= chances.free_per_day then return 'no_chance_left' end
end

-- only from a game's apply
function Lane:use_chance(me, day)
  me[CHANCES] = me[CHANCES] + 1
  me[DAY_CHANCES] = me[DAY] == day and me[DAY_CHANCES] + 1 or 1
  me[DAY] = day
end

function Lane:emit(class, name, body)
  self.v = self.v + 1
  self.events[#self.events + 1] = { self.v, class, name, body }
end

-- a member's place in a ranking; written with the rest at the end of the call
function Lane:rank(ranking, score, member)
  local key = self.tag .. ':rank:' .. ranking
  self.ranks[key] = self.ranks[key] or {}
  self.ranks[key][member] = score
end

function Lane:write_ranks()
  for key, scores in pairs(self.ranks) do
    local arguments = {}
    for member, score in pairs(scores) do
      arguments[#arguments + 1] = score
      arguments[#arguments + 1] = member
      if #arguments >= CHUNK then redis.call('ZADD', key, unpack(arguments)); arguments = {} end
    end
    if #arguments > 0 then redis.call('ZADD', key, unpack(arguments)) end
  end
  self.ranks = {}
end

-- the first `count` of a ranking as {{member, score} ...}
function Lane:ranking(ranking, count)
  local flat = redis.call('ZREVRANGE', self.tag .. ':rank:' .. ranking, 0, count - 1, 'WITHSCORES')
  local first = {}
  for i = 1, #flat, 2 do first[#first + 1] = { flat[i], tonumber(flat[i + 1]) } end
  return first
end

function Lane:ranked(ranking) return redis.call('ZCARD', self.tag .. ':rank:' .. ranking) end

-- 1 for the first; 0 for one who is not in it
function Lane:place(ranking, member)
  local rank = redis.call('ZREVRANK', self.tag .. ':rank:' .. ranking, member)
  return rank and rank + 1 or 0
end

function Lane:forget_ranking(ranking) redis.call('DEL', self.tag .. ':rank:' .. ranking) end

function Lane:name(member)
  local me = self:member(member)
  return me and me[NAME] or ''
end

-- members so far; the clock has a record too
function Lane:joined() return redis.call('HLEN', self.tag .. ':m') - 1 + self.fresh end

-- Applying a line --------------------------------------------------------------------------------

local function result_of(line)
  local grants = {}
  for i, grant in ipairs(line[8]) do
    if grant[5] == line[3] then grants[i] = { grant[1], grant[2], grant[3], grant[4] } end
  end
  return pack({ 1, line[6], grants })
end

function Lane:apply_join(line)
  local me = self:member(line[3])
  if not me then
    me = { line[7][2], line[4], 0, 0, 0, 0, 0, 0, false, false, {}, false }
    self.records[line[3]] = me
    self.fresh = self.fresh + 1
  end
  me[NAME] = line[7][2]
  local open = me[OPEN]
  if #open == SESSIONS then table.remove(open, 1) end
  open[#open + 1] = { line[1], 0, 0, '' }
  self.sessions = max(self.sessions, tonumber(string.match(line[1], '%d+$')))
  self:touch(line[3])
end

function Lane:load_owners(grants)
  local owners = {}
  for _, grant in ipairs(grants) do
    if self.records[grant[5]] == nil then owners[#owners + 1] = grant[5] end
  end
  self:load(owners)
end

function Lane:apply_grants(line)
  if line[1] == CLOCK then self:load_owners(line[8]) end
  for _, grant in ipairs(line[8]) do
    local prize, unit, member = grant[1], grant[2], grant[5]
    local stock, owner = self:stock(prize), self:member(member)
    stock[1], stock[2] = stock[1] + 1, max(stock[2], unit + 1)
    owner[WINS], owner[WON_AT] = owner[WINS] + 1, line[4]
    if self.rule.counted[prize] then
      owner[OWNED] = owner[OWNED] or {}
      owner[OWNED][prize] = (owner[OWNED][prize] or 0) + 1
    end
    if member ~= line[3] then
      owner[GIVEN] = { prize, unit, grant[3], grant[4], line[1], line[2] }
      self:touch(member)
    end
    if self.rule.wins.per_day then
      if self.day_of_wins ~= line[5] then self.day_of_wins, self.day_wins = line[5], 0 end
      self.day_wins = self.day_wins + 1
    end
  end
end

-- the only place where a line changes state
function Lane:apply(game, line, extra)
  if line[7][1] == 'joined' then return self:apply_join(line) end
  local me = self:member(line[3])
  local session = session_of(me, line[1])
  -- a session that made room for newer ones is not restored: its refs are refused as unknown
  if session then remember(session, line[2], result_of(line)) end
  if line[1] ~= CLOCK then me[TAT] = max(me[TAT], line[4]) + self.rule.gcra.interval end
  self:apply_grants(line)
  game.apply(self, me, line, extra)
  self:touch(line[3])
end

-- Deciding ---------------------------------------------------------------------------------------

-- the gate, in the order that GAMES.md fixes; nil or a code and the ms after which to try again
function Lane:refused(me, deny, retry)
  if deny == 'blocked' then return deny end
  if self.state == 'paused' then return 'paused' end
  if self.state == 'closed' or self.now > self.closes then return 'closed' end
  if self.now < self.opens then return 'not_open', self.opens - self.now end
  if deny then return deny, retry end
  local gcra = self.rule.gcra
  local ahead = max(me[TAT], self.now) - self.now
  if ahead > gcra.tolerance then return 'rate_limited', ahead - gcra.tolerance end
end

-- one command {member, session, ref, op, deny | false, ...}: its packed result
function Lane:run(game, command)
  local member, id, ref, op = command[1], command[2], command[3], command[4]
  local me = self.records[member]
  local session = me and session_of(me, id)
  if not session then return pack({ 0, 'session_unknown', false }) end
  if ref <= session[REF] then
    for _, answer in ipairs(remembered(session)) do
      if answer[1] == ref then return pack(answer[2]) end
    end
    return pack({ 0, 'ref_too_old', false })
  end
  local code, retry
  if id ~= CLOCK then code, retry = self:refused(me, command[5], command[6]) end
  local fact, body, grants, extra
  if not code then
    local sound
    sound, fact, body, grants, extra = pcall(game.commands[op], self, me, command)
    if not sound then
      redis.log(redis.LOG_WARNING, 'rule ' .. op .. ': ' .. tostring(fact))
      return pack({ 0, 'internal', false })
    end
    if not fact then code, retry = body, grants end
  end
  if code then
    local result = pack({ 0, code, retry and math.ceil(retry) or false })
    remember(session, ref, result)
    self:touch(member)
    return result
  end
  local line = { id, ref, member, self.now, self.day, body, fact, grants }
  self:apply(game, line, extra)
  self.lines[#self.lines + 1] = pack(line)
  self.moved = true
  return result_of(line)
end

-- {ticket, wanted session | false, since | false} after the five common places
function Lane:join(game, command)
  local ticket = redis.call('GETDEL', self.tag .. ':tk:' .. command[6])
  if not ticket then return pack({ 0, 'bad_ticket', false }) end
  local guest = unpack_one(ticket) -- {member, name, levels, tags}; member '' is a spectator
  local member, id = guest[1], ''
  local me = { '', 0, 0, 0, 0, 0, 0, 0, false, false, {}, false }
  if member ~= '' then
    local known = self:member(member)
    local session = known and command[7] and session_of(known, command[7])
    if session then
      id = session[ID]
    else
      id = 's' .. self.epoch .. '-' .. (self.sessions + 1)
      local line = { id, 0, member, self.now, self.day, false, { 'joined', guest[2] }, {} }
      self:apply(game, line)
      self.lines[#self.lines + 1] = pack(line)
      self.moved = true
    end
    me = self:member(member)
  end
  local since, missed = command[8], {}
  local recovered = since and since >= self.floor and since <= self.v
  if recovered then
    for _, entry in ipairs(redis.call('XRANGE', self.tag .. ':ev', '(' .. since .. '-0', '+')) do
      missed[#missed + 1] = unpack_one(entry[2][2])
    end
  end
  self:write_ranks()
  local session = session_of(me, id)
  return pack({ 2, id, guest, self.v, self.state, recovered or false, missed, self:joined(),
    game.view(self, me, member), me[GIVEN], session and remembered(session) or {} })
end

-- Writing ----------------------------------------------------------------------------------------

function Lane:write_members()
  local arguments = {}
  for member in pairs(self.changed) do
    arguments[#arguments + 1] = member
    arguments[#arguments + 1] = pack(self.records[member])
    if #arguments >= CHUNK then redis.call('HSET', self.tag .. ':m', unpack(arguments)); arguments = {} end
  end
  if #arguments > 0 then redis.call('HSET', self.tag .. ':m', unpack(arguments)) end
  self.fresh = 0
end

function Lane:write_events()
  local key = self.tag .. ':ev'
  for _, event in ipairs(self.events) do
    if event[2] == MUST then
      redis.call('XADD', key, event[1] .. '-0', 'e', pack(event))
      if redis.call('XLEN', key) > EVENTS then
        local oldest = redis.call('XRANGE', key, '-', '+', 'COUNT', 1)[1][1]
        redis.call('XDEL', key, oldest)
        self.floor = tonumber(string.match(oldest, '^%d+'))
      end
    end
  end
  if #self.events > 0 then redis.call('PUBLISH', self.tag .. ':push', pack({ 'events', self.events })) end
end

local function array_header(count)
  return char(220, floor(count / 256), count % 256)
end

-- emits the tally when one is due; else the ms until it is, 0 when nothing has changed
function Lane:tally(game)
  if not self.dirty then return 0 end
  local wait = self.tallied + TALLY_MS - self.now
  if wait > 0 then return wait end
  self:emit(CONFLATED, 'tally', game.tally(self))
  self.tallied, self.dirty = self.now, false
  return 0
end

function Lane:write(game)
  self:write_ranks()
  self:write_members()
  for prize, stock in pairs(self.stocks) do redis.call('HSET', self.tag .. ':stock', prize, pack(stock)) end
  redis.call('SET', self.tag .. ':game', pack(self.game))
  if #self.lines > 0 then
    redis.call('XADD', self.tag .. ':out', '*', 'l', array_header(#self.lines) .. table.concat(self.lines))
  end
end

function Lane:write_head()
  redis.call('HSET', self.tag .. ':room', 'v', self.v, 'sessions', self.sessions, 'tallied', self.tallied,
    'floor', self.floor, 'day', self.day_of_wins, 'day_wins', self.day_wins, 'dirty', self.dirty and 1 or 0)
end

-- Functions --------------------------------------------------------------------------------------

local function lost() return pack({ -1, 'lane_lost' }) end

-- ARGV[1] = {epoch, {{from_ms, day} ...}, {command ...}}; returns {now, ms to the next tally, {result ...}}
-- or {-1, code}: nothing was executed
local function tick(game, keys, args)
  local lane = load_lane(keys[1])
  local batch = unpack_one(args[1])
  if not lane or lane.epoch ~= batch[1] or lane.state == 'rebuilding' then return lost() end
  for _, day in ipairs(batch[2]) do
    if day[1] <= lane.now then lane.day = day[2] end
  end
  local members, seen = {}, {}
  for _, command in ipairs(batch[3]) do
    local member = command[1]
    if command[4] ~= 'join' and not seen[member] then
      seen[member] = true
      members[#members + 1] = member
    end
  end
  lane:load(members)
  local results = {}
  for i, command in ipairs(batch[3]) do
    results[i] = command[4] == 'join' and lane:join(game, command) or lane:run(game, command)
  end
  if lane.moved or next(lane.changed) then lane:write(game) end
  lane.dirty = lane.dirty or lane.moved
  local wait = lane:tally(game)
  lane:write_events()
  if lane.moved or #lane.events > 0 then lane:write_head() end
  return char(147) .. pack(lane.now) .. pack(wait) .. array_header(#results) .. table.concat(results)
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
  local clock = { '', 0, 0, 0, 0, 0, 0, 0, false, false, { { CLOCK, 0, 0, '' } }, false }
  redis.call('HSET', tag .. ':m', '', pack(clock))
  return pack({ 1 })
end

-- ARGV[1] = state: open, paused, closed; tells everybody
local function set_state(keys, args)
  local lane = load_lane(keys[1])
  if not lane then return lost() end
  redis.call('HSET', lane.tag .. ':room', 'state', args[1])
  lane:emit(MUST, 'room_changed', { args[1] })
  lane:write_events()
  lane:write_head()
  return pack({ 1 })
end

-- ARGV[1] = {member ...}; returns {{view, given | false} ...}
local function views(game, keys, args)
  local lane = load_lane(keys[1])
  if not lane then return lost() end
  local members, seen = unpack_one(args[1]), {}
  lane:load(members)
  for i, member in ipairs(members) do
    local me = lane.records[member] or { '', 0, 0, 0, 0, 0, 0, 0, false, false, {}, false }
    seen[i] = { game.view(lane, me, member), me[GIVEN] }
  end
  return pack(seen)
end

-- ARGV[1] = {{line, extra} ...}: applies recorded lines to a lane that is being rebuilt
local function fold(game, keys, args)
  local lane = load_lane(keys[1])
  if not lane or lane.state ~= 'rebuilding' then return lost() end
  for _, recorded in ipairs(unpack_one(args[1])) do lane:apply(game, recorded[1], recorded[2]) end
  lane:write(game)
  lane:write_head()
  return pack({ 1 })
end
