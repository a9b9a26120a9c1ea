-- red_packet_rain: the decision of a tap, and what it changes. See GAMES.md.
--
-- lane.rule.game: cap, bomb, packet, late, score, count, per_member, tiers (plan.py, rule()).
-- lane.game: the room: opened and closed round, given packets and place in the sequence of this round,
--   rare packets still in it {{place, prize, value} ...}, and those that wait because the one who tapped
--   them had enough of that prize.
-- me[GAME]: the member: {round, bitmap of taken drops, packets, sum, score, best, points in all,
--   packets in all, {round, sum, score, packets, best} of the round before | false}

local EMPTY, PACKET, BOMB, PRIZE = 0, 1, 2, 3
local G_ROUND, G_TAKEN, G_PACKETS, G_SUM, G_SCORE, G_BEST, G_POINTS, G_ALL, G_LAST = 1, 2, 3, 4, 5, 6, 7, 8, 9
local EARLIER = 1048576 -- equal sums: who reached it earlier is ahead (ms since the start, below 2^20)

local game = { commands = {} }

local function is_taken(bits, drop)
  local cell = byte(bits, floor(drop / 8) + 1)
  return cell and floor(cell / 2 ^ (drop % 8)) % 2 == 1
end

local function take(bits, drop)
  local at = floor(drop / 8) + 1
  if #bits < at then bits = bits .. string.rep('\0', at - #bits) end
  return sub(bits, 1, at - 1) .. char(byte(bits, at) + 2 ^ (drop % 8)) .. sub(bits, at + 1)
end

-- points in the packet `given` of this round; the table is read once a tick, for as many as a tick can take
local function amount_of(lane, given)
  local read = lane.amounts
  if not read or given < read.first or given >= read.after then
    local text = redis.call('GETRANGE', lane.tag .. ':amounts', given * 4, given * 4 + 1023)
    read = { first = given, after = given + #text / 4, text = text }
    lane.amounts = read
  end
  return struct.unpack('<I4', read.text, (given - read.first) * 4 + 1)
end

local function may_own(lane, me, prize)
  local most = lane.rule.game.per_member[prize]
  return not most or lane:owned(me, prize) < most
end

-- the next packet for this member: {prize, value | false}, rare packets passed over, whether it waited;
-- nil when nothing is left for them
local function next_packet(lane, me)
  local state = lane.game
  for i, waiting in ipairs(state.waiting) do
    if may_own(lane, me, waiting[1]) then return waiting, 0, i end
  end
  local passed, place = 0, state.place
  while state.rare[passed + 1] and state.rare[passed + 1][1] == place do
    local rare = state.rare[passed + 1]
    if may_own(lane, me, rare[2]) then return { rare[2], rare[3] }, passed, 0 end
    passed, place = passed + 1, place + 1
  end
  if state.given < lane.rule.game.count then return { 'packet', false }, passed, 0 end
end

local function score_after(rule, score, kind)
  if kind == PACKET or kind == PRIZE then return score + rule.packet end
  if kind == BOMB then return max(0, score - rule.bomb) end
  return score
end

-- {member, session, ref, 'grab', deny, round, drop, kind, from, to, start}
function game.commands.grab(lane, me, command)
  local rule, state, mine = lane.rule.game, lane.game, me[GAME]
  local round, drop, kind, start = command[6], command[7], command[8], command[11]
  if state.opened ~= round then return nil, 'no_round' end
  if lane.now < command[9] then return nil, 'too_early', command[9] - lane.now end
  if lane.now > command[10] then return nil, 'too_late' end
  if not rule.late and me[JOINED] > start then return nil, 'late_join' end
  local playing = mine and mine[G_ROUND] == round
  if playing and is_taken(mine[G_TAKEN], drop) then return nil, 'drop_taken' end
  if not playing then
    local code = lane:chance_refused(me)
    if code then return nil, code end
  end
  local sum, score = playing and mine[G_SUM] or 0, playing and mine[G_SCORE] or 0
  local passed, waited, grants = 0, 0, {}
  if kind == PACKET then
    if playing and mine[G_PACKETS] >= rule.cap then return nil, 'grab_limit' end
    if not rule.score then
      local code, retry = lane:win_refused(me)
      if code then return nil, code, retry end
      local packet
      packet, passed, waited = next_packet(lane, me)
      if not packet then return nil, 'sold_out' end
      local prize, unit, amount = packet[1], round * rule.count + state.given + 1, packet[2]
      if prize == 'packet' then
        amount = amount_of(lane, state.given)
      else
        unit, kind = lane:stock(prize)[2], PRIZE
      end
      sum = sum + amount
      grants[1] = { prize, unit, amount, lane.epoch, command[1] }
    end
  end
  local fact = { 'grab', round, drop, kind, start, passed, waited }
  return fact, { drop, kind, sum, score_after(rule, score, kind) }, grants
end

-- {'', 'clock', ref, 'open_round', false, round, start, amounts, rare}
function game.commands.open_round(lane, _, command)
  local round = command[6]
  if lane.game.opened and lane.game.opened >= round then return nil, 'no_round' end
  lane:emit(MUST, 'round_opened', { round })
  return { 'round_opened', round }, false, {}, { command[7], command[8], command[9] }
end

local function top(lane, round)
  local first = lane:ranking(round, 10)
  for i, line in ipairs(first) do first[i] = { lane:name(line[1]), floor(line[2] / EARLIER) } end
  return first
end

local function left(lane)
  local state = lane.game
  return lane.rule.game.count - state.given + #state.rare + #state.waiting
end

-- score mode: the first places win
local function places(lane, round)
  local grants, stock, most = {}, lane:stock('place'), 0
  local tiers = lane.rule.game.tiers
  for _, tier in ipairs(tiers) do most = most + tier[1] end
  local ranked, at = lane:ranking(round, most), 0
  for _, tier in ipairs(tiers) do
    for _ = 1, tier[1] do
      at = at + 1
      if not ranked[at] then return grants end
      grants[at] = { 'place', stock[2] + at - 1, tier[2], lane.epoch, ranked[at][1] }
    end
  end
  return grants
end

-- {'', 'clock', ref, 'close_round', false, round}
function game.commands.close_round(lane, _, command)
  local round, state = command[6], lane.game
  if state.opened ~= round or state.closed == round then return nil, 'no_round' end
  lane:write_ranks()
  local players = lane:ranked(round)
  lane:emit(MUST, 'round_closed', { round, players, left(lane), top(lane, round) })
  local grants = lane.rule.game.score and places(lane, round) or {}
  return { 'round_closed', round, players, left(lane), state.given }, false, grants
end

local function apply_grab(lane, me, line)
  local rule, state, fact, grant = lane.rule.game, lane.game, line[7], line[8][1]
  local round, kind, mine = fact[2], fact[4], me[GAME]
  if not mine or mine[G_ROUND] ~= round then
    local before = mine and { mine[G_ROUND], mine[G_SUM], mine[G_SCORE], mine[G_PACKETS], mine[G_BEST] }
    mine = { round, '', 0, 0, 0, 0, mine and mine[G_POINTS] or 0, mine and mine[G_ALL] or 0, before or false }
    me[GAME] = mine
    lane:use_chance(me, line[5])
  end
  mine[G_TAKEN] = take(mine[G_TAKEN], fact[3])
  mine[G_SCORE] = score_after(rule, mine[G_SCORE], kind)
  if kind == PACKET or kind == PRIZE then mine[G_PACKETS], mine[G_ALL] = mine[G_PACKETS] + 1, mine[G_ALL] + 1 end
  if grant then
    mine[G_SUM], mine[G_POINTS] = mine[G_SUM] + grant[3], mine[G_POINTS] + grant[3]
    mine[G_BEST] = max(mine[G_BEST], grant[3])
    for _ = 1, fact[6] do
      local rare = table.remove(state.rare, 1)
      state.waiting[#state.waiting + 1] = { rare[2], rare[3] }
      state.place = state.place + 1
    end
    if fact[7] > 0 then
      table.remove(state.waiting, fact[7])
    else
      state.place = state.place + 1
      if grant[1] == 'packet' then state.given = state.given + 1 else table.remove(state.rare, 1) end
    end
  end
  local value = rule.score and mine[G_SCORE] or mine[G_SUM]
  if value > 0 or rule.score then
    lane:rank(round, value * EARLIER + EARLIER - 1 - min(max(line[4] - fact[5], 0), EARLIER - 1), line[3])
  end
end

-- extra of a round_opened line: {start, amounts, rare} (plan.py, revive)
function game.apply(lane, me, line, extra)
  local kind, round = line[7][1], line[7][2]
  if kind == 'grab' then return apply_grab(lane, me, line) end
  if kind == 'round_opened' then
    lane.game = { opened = round, closed = -1, given = 0, place = 0, rare = extra[3], waiting = {} }
    redis.call('SET', lane.tag .. ':amounts', extra[2])
    lane:forget_ranking(round - 2)
  elseif kind == 'round_closed' then
    lane.game.closed = round
  end
end

-- {newest round's sums, those before, drops taken in the newest, points in all, packets in all, prizes}
function game.view(lane, me, member)
  local mine = me[GAME]
  if not mine then return { false, false, {}, 0, 0, {} } end
  local function sums(round, sum, score, packets, best)
    return { round, sum, score, packets, best, lane:place(round, member) }
  end
  local before, taken, prizes = mine[G_LAST], {}, {}
  for drop = 0, #mine[G_TAKEN] * 8 - 1 do
    if is_taken(mine[G_TAKEN], drop) then taken[#taken + 1] = drop end
  end
  for prize, units in pairs(me[OWNED] or {}) do prizes[#prizes + 1] = { prize, units } end
  return {
    sums(mine[G_ROUND], mine[G_SUM], mine[G_SCORE], mine[G_PACKETS], mine[G_BEST]),
    before and sums(unpack(before)) or false, taken, mine[G_POINTS], mine[G_ALL], prizes,
  }
end

-- {round, packets left, members joined, players, the first ten}
function game.tally(lane)
  local round = lane.game.opened
  if not round then return { -1, 0, lane:joined(), 0, {} } end
  return { round, left(lane), lane:joined(), lane:ranked(round), top(lane, round) }
end
