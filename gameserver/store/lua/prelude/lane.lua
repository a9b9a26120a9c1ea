-- The prelude: everything about a command that is not the game's own decision. One library per game is
-- loaded: this folder's files in the order of gameserver/store/scripts.py, the game's rules.lua, and
-- register.lua.
--
-- Every function takes KEYS[1] = the lane's hash tag, such as {r42.0}, and ARGV[1] = MessagePack; it
-- returns MessagePack. All keys below are built from the tag (gameserver/store/keys.py is their list).
--
-- State is a fold of lines: a command is decided without changing anything, the decision is one line,
-- and `apply` alone changes state. A rebuild applies the recorded lines with the same `apply`.
--   line   = {session, ref, member, at, day, body, fact, grants}     fact[1] is its kind
--            and as a ninth part {purse, amount} where the member paid for it (purse.lua)
--   grant  = {prize, unit, amount, epoch, member}
--   result = {1, body, {{prize, unit, amount, epoch} ...}} | {0, code, retry_ms | false}
--            and as a fourth part what the play cost, where plays are counted (play_told)
-- A refusal changes nothing but the answer memory, and writes no line.
--
-- Who acts: members; the room's clock (session CLOCK of member ''); hosts, with sessions of member HOST and
-- commands of their own (game.host); and staff, whose orders come one after the other in session STAFF of
-- HOST (game.orders, and ORDERS of the prelude).
--
-- The path of a command makes as few Lua objects as it can: records are unpacked by `struct` into one
-- table, lines and results are put together as bytes. That is what 256 commands in one call cost.

-- a library may touch no global while it is loaded, so its first call binds these
local pack, unpack_one, put, get, floor, max, min, byte, char, sub

local MUST, CONFLATED = 1, 2 -- event classes
local ANSWERS = 8            -- answers remembered per session
local SESSIONS = 4           -- sessions remembered per member
local EVENTS = 256           -- room events that `since` can recover
local TALLY_MS = 250         -- a tally at most four times a second: it goes to every phone in the room
local CLOCK = 'clock'        -- the session of the room's own clock; its member is ''
local HOST, STAFF = '!host', 'staff'
local CHUNK = 500            -- arguments per call, well below Lua's stack

-- a member's record: TAT, the lengths of RARE and OPEN, then OPEN, RARE and GAME. OPEN is the member's
-- sessions one after the other; RARE is MessagePack of what few commands need, which notes_of turns into
-- NOTES; GAME is the game's own text, which game.decode turns into PLAY
local HEADER = '<dI2I2'
local RECORD = HEADER .. 'c0'
local TAT, RARE, OPEN, GAME, NOTES, PLAY = 1, 2, 3, 4, 5, 6
-- OWNED is {prize = units} of counted prizes; GIVEN is what the clock granted, the last ones:
-- {prize, unit, amount, epoch, session, ref}; EARNED is there only where points are capped (earned_on);
-- GIFTS is {given, used}: plays beside the free ones, or not there
local NAME, OWNED, GIVEN, JOINED, WINS, WON_AT, CHANCES, DAY, DAY_CHANCES, EARNED, GIFTS = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
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
  local rule = unpack_one(redis.call('GET', tag .. ':rule'))
  rule.prizes = rule.prizes or {} -- a room that was opened before prizes had rules of their own
  return {
    tag = tag, now = time_ms(), epoch = tonumber(head[1]), state = head[2], opens = tonumber(head[3]),
    closes = tonumber(head[4]), v = tonumber(head[5]), sessions = tonumber(head[6]),
    tallied = tonumber(head[7]), floor = tonumber(head[8]), day_of_wins = tonumber(head[9]),
    day_wins = tonumber(head[10]), dirty = head[11] == '1', rule = rule,
    game = unpack_one(redis.call('GET', tag .. ':game')), records = {}, changed = {}, stocks = {}, ranks = {},
    ups = {}, refused = {}, purses = {}, filled = {}, lines = {}, events = {}, gifted = {}, day = 0, fresh = 0,
    moved = false,
  }
end

-- MessagePack's header of an array
local function array(count)
  if count < 16 then return char(144 + count) end
  return char(220, floor(count / 256), count % 256)
end
