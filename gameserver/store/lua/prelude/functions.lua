-- The functions that register.lua registers; each says what its argument and its result are.

local function lost() return pack({ -1, 'lane_lost' }) end

-- the day by the lane's clock; `days` are in order of time
local function set_day(lane, days)
  for _, day in ipairs(days) do
    if day[1] <= lane.now then lane.day = day[2] else lane.next_day = lane.next_day or day[1] end
  end
end

-- ARGV[1] = {epoch, {{from_ms, day} ...}, {member ...} of the commands, {places, command's places ..., places,
-- ...}}; returns {now, ms to the next tally, {result ...}} or {-1, code}: nothing was executed
local function tick(keys, args)
  local lane = load_lane(keys[1])
  local batch = unpack_one(args[1])
  if not lane or lane.epoch ~= batch[1] or lane.state == 'rebuilding' then return lost() end
  set_day(lane, batch[2])
  lane.stamp = pack(lane.now, lane.day)
  lane.shut, lane.shut_for = shut(lane)
  local c, results, count, b = batch[4], {}, 0, 1
  local last = #c
  load(lane, batch[3])
  if lane.rule.chances.cost_points then load_purses(lane, batch[3]) end
  while b <= last do
    count = count + 1
    results[count] = (INTERNAL[c[b + 4]] or run)(lane, c, b)
    b = b + c[b] + 1
  end
  if next(lane.changed) or next(lane.filled) then write(lane) end
  lane.dirty = lane.dirty or lane.moved
  local wait = tally(lane)
  write_events(lane)
  -- who tells them knows the day: staff's orders come without
  if lane.rule.counts_chances and #lane.gifted > 0 then
    redis.call('PUBLISH', lane.tag .. ':push', pack({ 'gifted', lane.gifted }))
  end
  if lane.moved or lane.dirty or #lane.events > 0 then write_head(lane) end
  return '\147' .. pack(lane.now, wait) .. array(count) .. table.concat(results)
end

-- ARGV[1] = {epoch, state, opens, closes, rule, {{prize, first, last} ...}}; creates the lane's state
local function open(keys, args)
  bind()
  local tag, lane = keys[1], unpack_one(args[1])
  local floor_v = (lane[1] - 1) * 4294967296 -- versions keep rising over epochs
  redis.call('HSET', tag .. ':room', 'epoch', lane[1], 'state', lane[2], 'opens', lane[3], 'closes', lane[4],
    'v', floor_v, 'floor', floor_v, 'sessions', 0, 'tallied', 0, 'day', 0, 'day_wins', 0, 'dirty', 0,
    'capped', lane[5].points_caps and 1 or 0)
  redis.call('SET', tag .. ':rule', pack(lane[5]))
  redis.call('SET', tag .. ':game', pack({}))
  for _, lease in ipairs(lane[6]) do
    redis.call('HSET', tag .. ':stock', lease[1], pack({ 0, lease[2], lease[3] }))
  end
  local clock = nobody()
  clock[OPEN] = put(SESSION, #CLOCK, CLOCK, 0, 0, 0)
  local host = nobody()
  host[OPEN] = put(SESSION, #STAFF, STAFF, 0, 0, 0)
  redis.call('HSET', tag .. ':m', '', record_of(clock), HOST, record_of(host))
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

-- returns {highest ref of the room's clock, highest number of staff's orders}
local function clock(keys, args)
  local lane = load_lane(keys[1])
  if not lane then return lost() end
  local host = member_of(lane, HOST)
  return pack({ session_of(member_of(lane, ''), CLOCK), host and session_of(host, STAFF) or 0 })
end

-- ARGV[1] = {epoch, {{from_ms, day} ...}, member, plays, deny | false}; what would decide if the member began
-- that many plays now: {code | false, retry_ms | false, play_told | false}. Changes nothing
local function explain(keys, args)
  local lane = load_lane(keys[1])
  local asked = unpack_one(args[1])
  if not lane or lane.epoch ~= asked[1] then return lost() end
  set_day(lane, asked[2])
  local member, plays, deny = asked[3], asked[4], asked[5]
  local me, rule = member_of(lane, member) or nobody(), lane.rule
  local told = rule.counts_chances and play_told(lane, me, member, lane.day, 0) or false
  local function first()
    if deny == 'blocked' then return deny end
    local code, retry = shut(lane)
    if code then return code, retry end
    if deny then return deny end
    if rule.counts_chances then
      code, retry = chance_refused(lane, me, member, plays)
      if code then return code, retry end
    end
    code, retry = win_refused(lane, me)
    return code, retry
  end
  local code, retry = first()
  return pack({ code or false, retry or false, told })
end

-- ARGV[1] = {epoch, most}; ends purses whose time is over, in a closed room all of them, but no more than
-- `most`; returns {how many of them are left}
local function close_purses(keys, args)
  local lane, wanted = load_lane(keys[1]), unpack_one(args[1])
  if not lane or lane.epoch ~= wanted[1] or lane.state == 'rebuilding' then return lost() end
  local key, latest = lane.tag .. ':purses', lane.state == 'closed' and '+inf' or lane.now
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', key, '-inf', latest, 'LIMIT', 0, wanted[2])) do
    end_purse(lane, member)
  end
  if next(lane.filled) then write(lane) end
  return pack({ redis.call('ZCOUNT', key, '-inf', latest) })
end

-- one recorded line; a session that has made room for newer ones is not restored: its refs stay unknown
local function fold_line(lane, line, extra)
  local id, ref, member, at, day, fact, grants = line[1], line[2], line[3], line[4], line[5], line[7], line[8]
  if fact[1] == 'joined' then return apply_join(lane, id, at, member, fact[2]) end
  if fact[1] == 'purse' then return apply_fill(lane, member, unpack(fact, 2)) end
  if fact[1] == 'purse_closed' then return apply_end(lane, member) end
  local me = member_of(lane, member)
  grants = #grants > 0 and grants
  local play = apply(lane, me, id, ref, member, at, day, grants, line[9], extra, unpack(fact))
  local last, count, length, first, place = session_of(me, id)
  if not last then return end
  remember(me, id, ref, count, length, first, place, pack(ref) .. result_of(pack(line[6]), grants, member, play))
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
