-- Members: their records, their sessions, and what these remember.

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
