-- Deciding: the gate, the rule, and how a page comes in.

-- what refuses everybody in this tick: nil or a code and the ms after which to try again
local function shut(lane)
  if lane.state == 'paused' then return 'paused' end
  if lane.state == 'closed' or lane.now > lane.closes then return 'closed' end
  if lane.now < lane.opens then return 'not_open', lane.opens - lane.now end
end

-- the gate, in the order that GAMES.md fixes; a code and the ms after which to try again, or nil, nil and
-- what the play costs: see `price`
local function gate(lane, me, c, b)
  local deny = c[b + 5]
  if deny == 'blocked' then return deny end
  if lane.shut then return lane.shut, lane.shut_for end
  if deny then return deny, c[b + 6] end
  local rule = lane.rule
  local begins = rule.counts_chances and game.begins(me, c, b) or 0
  if begins > 0 then
    local code, retry = chance_refused(lane, me, c[b + 1], begins)
    if code then return code, retry end
  end
  local gcra = rule.gcra
  local ahead = me[TAT] - lane.now
  if ahead > gcra.tolerance then return 'rate_limited', ahead - gcra.tolerance end
  if begins > 0 and rule.chances.cost_points then return price(lane, me, c[b + 1], begins) end
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
local function concluded(lane, me, c, b, spent, sound, body, grants, extra, fact, ...)
  local member, id, ref = c[b + 1], c[b + 2], c[b + 3]
  if not sound then
    redis.log(redis.LOG_WARNING, 'rule ' .. tostring(c[b + 4]) .. ': ' .. tostring(body))
    return nil, 'internal'
  end
  if not body then return nil, grants, extra end
  local play = apply(lane, me, id, ref, member, lane.now, lane.day, grants, spent, extra, ...)
  local given, result, packed_member = '\144', nil, pack(member)
  if not grants then
    result = result_with(body, given, play)
  elseif #grants == 1 and grants[1][5] == member then
    local grant = grants[1]
    local own = pack(grant[1], grant[2], grant[3], grant[4])
    given, result = '\145\149' .. own .. packed_member, result_with(body, '\145\148' .. own, play)
  else
    given = array(#grants)
    for _, grant in ipairs(grants) do
      given = given .. '\149' .. pack(grant[1], grant[2], grant[3], grant[4], grant[5])
    end
    result = result_of(body, grants, member, play)
  end
  local lines, line = lane.lines, pack(id, ref) .. packed_member .. lane.stamp .. body .. fact .. given
  lines[#lines + 1] = spent and '\153' .. line .. pack(spent) or '\152' .. line
  return result
end

-- give_chances: member, plays
local function give_chances(_, _, c, b)
  local member, count = c[b + 6], c[b + 7]
  return '\194', false, false, pack({ 'gift', member, count }), 'gift', member, count
end

local ORDERS = { give_chances = give_chances } -- staff's orders that are no game's

-- who may do what, and the gate for them: the rule, or nil; then as `gate`
local function admitted(lane, me, c, b)
  local member, id, op = c[b + 1], c[b + 2], c[b + 4]
  if id == CLOCK then return game.commands[op] end
  if member ~= HOST then return game.commands[op], gate(lane, me, c, b) end
  if id == STAFF then return ORDERS[op] or game.orders[op] end
  if lane.shut then return game.host[op], lane.shut, lane.shut_for end
  return game.host[op], c[b + 5] or nil, c[b + 6]
end

-- the command at c[b + 1] ...: its packed result
local function run(lane, c, b)
  local member, id, ref = c[b + 1], c[b + 2], c[b + 3]
  local me = lane.records[member]
  local last, count, length, first, at
  if me then last, count, length, first, at = session_of(me, id) end
  if not last then return refusal('session_unknown') end
  if ref <= last then return replayed(me, length, first, ref) end
  local rule, code, retry, spent = admitted(lane, me, c, b)
  local result
  -- not an answer yet: the node fills the purse and asks again with the same ref
  if code == NEEDED then return pack({ 0, code, retry }) end
  if not code then
    result, code, retry = concluded(lane, me, c, b, spent, pcall(rule, lane, me, c, b))
  end
  -- the clock asks again until its rule is mended; a member's ref keeps its answer
  if code == 'internal' and (id == CLOCK or id == STAFF) then return refusal(code) end
  if result then
    lane.moved = true
  else
    result = refusal(code, retry)
    lane.refused[code] = (lane.refused[code] or 0) + 1
  end
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
  local fact = { 'joined', guest[2], guest[5] or '', guest[6] or '' }
  lane.lines[#lane.lines + 1] = pack({ id, 0, member, lane.now, lane.day, false, fact, {} })
  lane.moved = true
  return id
end

-- join: ticket, wanted session | false, since | false
local function join(lane, c, b)
  local ticket = redis.call('GETDEL', lane.tag .. ':tk:' .. c[b + 6])
  if not ticket then return refusal('bad_ticket') end
  local guest = unpack_one(ticket) -- {member, name, levels, tags, channel, network}; member '' is a spectator
  local member, id, me, answers = guest[1], '', nobody(), {}
  if member ~= '' then
    id = enter(lane, guest, c[b + 7])
    me = lane.records[member]
    local _, _, length, first = session_of(me, id)
    for i, answer in ipairs(remembered(me, length, first)) do answers[i] = { answer[1], unpack_one(answer[2]) } end
  end
  lane.dirty = true -- who comes in late is told the tally too
  local recovered, missed = missed_since(lane, c[b + 8])
  write_ranks(lane)
  local counts = member ~= '' and member ~= HOST and lane.rule.counts_chances
  local play = counts and play_told(lane, me, member, lane.day, 0) or nil
  return pack({ 2, id, guest, lane.v, lane.state, recovered, missed, joined(lane), game.view(lane, me, member),
    notes_of(me)[GIVEN], answers, play })
end

-- plays: the member's, as `play_told` tells them
local function plays(lane, c, b)
  local member = c[b + 1]
  return pack({ 2, play_told(lane, member_of(lane, member) or nobody(), member, lane.day, 0) })
end

local INTERNAL = { join = join, fill_purse = fill_purse, close_purse = close_purse, plays = plays }
