-- red_packet_rain: the decision of a tap, and what it changes. See GAMES.md.
--
-- lane.rule.game: cap, bomb, packet, late, score, count, tiers (plan.py, rule()).
-- lane.game: the room: opened and closed round, given packets and place in the sequence of this round,
--   rare packets still in it {{place, prize, value} ...}, and those that wait because the one who tapped
--   them had enough of that prize.
-- A member's play: this round's numbers, points and packets in all, the numbers of the round before as
-- they were packed (LAST; round -1: none), and the bitmap of the drops taken in this round.

local EMPTY, PACKET, BOMB, PRIZE = 0, 1, 2, 3
local SUMS = '<i4dI4I2I4'
local PLAYED = '<i4dI4I2I4dI4'
local ROUND, SUM, SCORE, PACKETS, BEST, POINTS, ALL, LAST, TAKEN = 1, 2, 3, 4, 5, 6, 7, 8, 9
local LAST_BYTES = 22
local EARLIER = 1048576 -- equal sums: who reached it earlier is ahead (ms since the start, below 2^20)

game = { commands = {}, host = {}, orders = {} }

function game.decode(text)
  local mine = { get(PLAYED, text) }
  local after = mine[LAST] -- `get` leaves the place after what it read
  mine[LAST], mine[TAKEN] = sub(text, after, after + LAST_BYTES - 1), sub(text, after + LAST_BYTES)
  return mine
end

function game.encode(mine)
  return put(PLAYED, mine[1], mine[2], mine[3], mine[4], mine[5], mine[6], mine[7]) .. mine[LAST] .. mine[TAKEN]
end

local BIT = { [0] = 1, 2, 4, 8, 16, 32, 64, 128 }

-- the first tap of a member's round is one play
function game.begins(me, c, b)
  local mine = play_of(me)
  return (not mine or mine[1] ~= c[b + 6]) and 1 or 0
end

local function is_taken(bits, drop)
  local place = drop % 8
  local cell, bit = byte(bits, (drop - place) / 8 + 1), BIT[place]
  return cell and cell % (2 * bit) >= bit
end

local function take(bits, drop)
  local place = drop % 8
  local at = (drop - place) / 8 + 1
  local cell = byte(bits, at)
  if not cell then return bits .. string.rep('\0', at - 1 - #bits) .. char(BIT[place]) end
  return sub(bits, 1, at - 1) .. char(cell + BIT[place]) .. sub(bits, at + 1)
end

-- points in the packet `given` of this round; the table is read once a tick, for as many as a tick can take
local function amount_of(lane, given)
  local read = lane.amounts
  if not read or given < read.first or given >= read.after then
    local text = redis.call('GETRANGE', lane.tag .. ':amounts', given * 4, given * 4 + 1023)
    read = { first = given, after = given + #text / 4, text = text }
    lane.amounts = read
  end
  return (get('<I4', read.text, (given - read.first) * 4 + 1))
end

-- the next packet for this member: prize, value | false, rare packets passed over, which one had waited;
-- nil when nothing is left for them
local function next_packet(lane, me)
  local state = lane.game
  for i, waiting in ipairs(state.waiting) do
    if may_own(lane, me, waiting[1]) then return waiting[1], waiting[2], 0, i end
  end
  local passed, place, rare = 0, state.place, state.rare
  while rare[passed + 1] and rare[passed + 1][1] == place do
    local candidate = rare[passed + 1]
    if may_own(lane, me, candidate[2]) then return candidate[2], candidate[3], passed, 0 end
    passed, place = passed + 1, place + 1
  end
  if state.given < lane.rule.game.count then return 'packet', false, passed, 0 end
end

local function score_after(rule, score, kind)
  if kind == PACKET or kind == PRIZE then return score + rule.packet end
  if kind == BOMB then return max(0, score - rule.bomb) end
  return score
end

-- round, drop, kind, from, to
function game.commands.grab(lane, me, c, b)
  local rule, state, mine, now = lane.rule.game, lane.game, play_of(me), lane.now
  local round, drop, kind = c[b + 6], c[b + 7], c[b + 8]
  if state.opened ~= round then return nil, 'no_round' end
  if now < c[b + 9] then return nil, 'too_early', c[b + 9] - now end
  if now > c[b + 10] then return nil, 'too_late' end
  if not rule.late and joined_at(me) > state.start then return nil, 'late_join' end
  local sum, score, packets = 0, 0, 0
  if mine and mine[ROUND] == round then
    if is_taken(mine[TAKEN], drop) then return nil, 'drop_taken' end
    sum, score, packets = mine[SUM], mine[SCORE], mine[PACKETS]
  end
  local passed, waited, grants = 0, 0, false
  if kind == PACKET then
    if packets >= rule.cap then return nil, 'grab_limit' end
    if not rule.score then
      local code, retry = win_refused(lane, me)
      if code then return nil, code, retry end
      local prize, amount
      prize, amount, passed, waited = next_packet(lane, me)
      if not prize then return nil, 'sold_out' end
      local unit = round * rule.count + state.given + 1
      if prize == 'packet' then
        amount = amount_of(lane, state.given)
      else
        unit, kind = stock_of(lane, prize)[2], PRIZE
      end
      sum = sum + amount
      grants = { { prize, unit, amount, lane.epoch, c[b + 1] } }
    end
  end
  local body = '\148' .. pack(drop, kind, sum, score_after(rule, score, kind))
  local fact = '\150\164grab' .. pack(round, drop, kind, passed, waited)
  return body, grants, false, fact, 'grab', round, drop, kind, passed, waited
end

local NOTHING = '\194' -- MessagePack's false: a clock's command has no body

-- round, start, amounts, rare
function game.commands.open_round(lane, _, c, b)
  local round = c[b + 6]
  if lane.game.opened and lane.game.opened >= round then return nil, 'no_round' end
  emit(lane, MUST, 'round_opened', { round })
  return NOTHING, false, { c[b + 7], c[b + 8], c[b + 9] }, pack({ 'round_opened', round }), 'round_opened', round
end

local function top(lane, round)
  local first = ranking_of(lane, round, 10, 0)
  for i, line in ipairs(first) do first[i] = { name_of(lane, line[1]), floor(line[2] / EARLIER) } end
  return first
end

local function left(lane)
  local state = lane.game
  return lane.rule.game.count - state.given + #state.rare + #state.waiting
end

-- round
function game.commands.close_round(lane, _, c, b)
  local round, state = c[b + 6], lane.game
  if state.opened ~= round or state.closed == round then return nil, 'no_round' end
  write_ranks(lane)
  local players = ranked(lane, round)
  emit(lane, MUST, 'round_closed', { round, players, left(lane), top(lane, round) })
  local grants = lane.rule.game.score and place_grants(lane, round, 'place', lane.rule.game.tiers)
  local fact = pack({ 'round_closed', round, players, left(lane), state.given })
  return NOTHING, grants, false, fact, 'round_closed', round
end

local function begin(lane, me, round, day)
  local before = play_of(me)
  local mine = { round, 0, 0, 0, 0, 0, 0, put(SUMS, -1, 0, 0, 0, 0), '' }
  if before then
    mine[POINTS], mine[ALL] = before[POINTS], before[ALL]
    mine[LAST] = put(SUMS, before[1], before[2], before[3], before[4], before[5])
  end
  me[PLAY] = mine
  use_chance(lane, me, day, 1)
  return mine
end

-- moves the room's sequence past what this tap took
local function advance(state, prize, passed, waited)
  if passed + waited == 0 and prize == 'packet' then
    state.place, state.given = state.place + 1, state.given + 1
    return
  end
  for _ = 1, passed do
    local rare = table.remove(state.rare, 1)
    state.waiting[#state.waiting + 1] = { rare[2], rare[3] }
  end
  if waited > 0 then
    table.remove(state.waiting, waited)
    return
  end
  state.place = state.place + passed + 1
  if prize == 'packet' then state.given = state.given + 1 else table.remove(state.rare, 1) end
end

local function apply_grab(lane, me, member, at, day, grants, round, drop, kind, passed, waited)
  local rule, mine = lane.rule.game, play_of(me)
  if not mine or mine[ROUND] ~= round then mine = begin(lane, me, round, day) end
  mine[TAKEN] = take(mine[TAKEN], drop)
  mine[SCORE] = score_after(rule, mine[SCORE], kind)
  if kind == PACKET or kind == PRIZE then mine[PACKETS], mine[ALL] = mine[PACKETS] + 1, mine[ALL] + 1 end
  if grants then
    local amount = grants[1][3]
    mine[SUM], mine[POINTS] = mine[SUM] + amount, mine[POINTS] + amount
    if amount > mine[BEST] then mine[BEST] = amount end
    advance(lane.game, grants[1][1], passed, waited)
  end
  local value = rule.score and mine[SCORE] or mine[SUM]
  if value > 0 or rule.score then
    rank(lane, round, (value + 1) * EARLIER - 1 - min(max(at - lane.game.start, 0), EARLIER - 1), member)
  end
end

-- extra of a round_opened line: {start, amounts, rare} (plan.py, revive)
function game.apply(lane, me, member, at, day, grants, extra, kind, round, ...)
  if kind == 'grab' then return apply_grab(lane, me, member, at, day, grants, round, ...) end
  if kind == 'round_opened' then
    lane.game = { opened = round, start = extra[1], closed = -1, given = 0, place = 0, rare = extra[3], waiting = {} }
    redis.call('SET', lane.tag .. ':amounts', extra[2])
    lane.amounts = nil
    forget_ranking(lane, round - 2)
  elseif kind == 'round_closed' then
    lane.game.closed = round
    for _, grant in ipairs(grants or {}) do
      local mine = play_of(lane.records[grant[5]])
      mine[POINTS] = mine[POINTS] + grant[3]
    end
  end
end

-- {newest round's sums, those before, drops taken in the newest, points in all, packets in all, prizes}
function game.view(lane, me, member)
  local mine = play_of(me)
  if not mine then return { false, false, {}, 0, 0, {} } end
  local function sums(round, sum, score, packets, best)
    return round >= 0 and { round, sum, score, packets, best, place_of(lane, round, member) }
  end
  local taken, prizes = {}, {}
  for drop = 0, #mine[TAKEN] * 8 - 1 do
    if is_taken(mine[TAKEN], drop) then taken[#taken + 1] = drop end
  end
  for prize, units in pairs(owned_by(me)) do prizes[#prizes + 1] = { prize, units } end
  return {
    sums(mine[ROUND], mine[SUM], mine[SCORE], mine[PACKETS], mine[BEST]), sums(get(SUMS, mine[LAST])), taken, mine[POINTS], mine[ALL], prizes,
  }
end

-- {round, packets left, members joined, players, the first ten}
function game.tally(lane)
  local round = lane.game.opened
  if not round then return { -1, 0, joined(lane), 0, {} } end
  return { round, left(lane), joined(lane), ranked(lane, round), top(lane, round) }
end
