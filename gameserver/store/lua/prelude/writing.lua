-- Writing: what one call has changed goes out at its end.

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

local function write_purses(lane)
  for member in pairs(lane.filled) do
    local purse = lane.purses[member]
    redis.call('HSET', lane.tag .. ':purse', member, pack(purse))
    if purse[UNTIL] > 0 then
      redis.call('ZADD', lane.tag .. ':purses', purse[UNTIL], member)
    else
      redis.call('ZREM', lane.tag .. ':purses', member)
    end
  end
  lane.filled = {}
end

local function write(lane)
  write_ranks(lane)
  write_purses(lane)
  write_members(lane)
  -- by `since` a count that Redis lost is told from one that it goes on with (gameserver/figures.py)
  if next(lane.refused) then redis.call('HSETNX', lane.tag .. ':refused', 'since', lane.now) end
  for code, count in pairs(lane.refused) do redis.call('HINCRBY', lane.tag .. ':refused', code, count) end
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
