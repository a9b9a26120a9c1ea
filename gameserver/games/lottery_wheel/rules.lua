-- lottery_wheel: what a spin comes to, and what it changes. See GAMES.md.
--
-- Prizes have places from 1. lane.rule.game (plan.py, rule()): ids and places of the prizes, unlock and
-- fallback by place, after (plays before pity; 0: none), promised (the places that pity draws from), counted
-- (ids of the prizes with a stock).
-- lane.game: plays, wins, and recent: {member, place} of the last wins, newest first.
-- A member's play: plays, how many of them in a row without a promised prize, points won, and the last wins,
-- oldest first, each WIN: place, unit (0 from 2^24 on, which only prizes without a stock can reach), and when, in
-- steps of two seconds since the window opened (2^24 of them are a year and more).

local PLAYED, WIN = '<I4I2d', '<BI3I3'
local PLAYS, MISSED, SUM, WON = 1, 2, 3, 4
local WIN_BYTES, KEPT, RECENT = 7, 20, 10
local STEP_MS, MOST = 2000, 16777215 -- plan.py knows the step too

game = { commands = {}, host = {}, orders = {} }

function game.decode(text)
  local mine = { get(PLAYED, text) }
  mine[WON] = sub(text, mine[WON]) -- `get` leaves the place after what it read
  return mine
end

function game.encode(mine) return put(PLAYED, mine[PLAYS], mine[MISSED], mine[SUM]) .. mine[WON] end

-- every spin is a play
function game.begins(_, c, b) return c[b + 6] end

-- the place itself, or the first of its fallbacks that is unlocked after so many plays
local function unlocked(rule, place, plays)
  while rule.unlock[place] > plays do place = rule.fallback[place] end
  return place
end

local function is_there(lane, me, id, drawn)
  return may_own(lane, me, id, drawn[id]) and is_left(lane, id, drawn[id] or 0)
end

-- what pity gives: the place that was drawn, or where that prize is not there, the first promised one that is
local function promised(lane, me, rule, place, drawn)
  if is_there(lane, me, rule.ids[place], drawn) then return place end
  for _, other in ipairs(rule.promised) do
    if is_there(lane, me, rule.ids[other], drawn) then return other end
  end
  return place
end

local function is_promised(rule, place)
  for _, other in ipairs(rule.promised) do
    if other == place then return true end
  end
end

local function missed_after(rule, missed, place)
  if rule.after == 0 or is_promised(rule, place) then return 0 end
  return min(missed + 1, rule.after)
end

-- times, pool, the place drawn for each spin ..., the place that pity drew for each spin ...
function game.commands.spin(lane, me, c, b)
  local code, retry = win_refused(lane, me)
  if code then return nil, code, retry end
  local rule, mine, times, told, drawn, grants = lane.rule.game, play_of(me), c[b + 6], {}, {}, {}
  local plays, missed = mine and mine[PLAYS] or 0, mine and mine[MISSED] or 0
  for spin = 1, times do
    local place, by_pity = c[b + 7 + spin], 0
    local wanted = unlocked(rule, place, plays)
    if rule.after > 0 and missed >= rule.after then
      place, by_pity = c[b + 7 + times + spin], 1
      wanted = promised(lane, me, rule, place, drawn)
    end
    local prize, grant = awarded(lane, me, c[b + 1], rule.ids[wanted], drawn)
    if not prize then
      if not may_win(lane, me, #grants) then return nil, 'win_limit' end
      return nil, 'sold_out'
    end
    if grant then grants[#grants + 1] = grant end
    local given = rule.places[prize]
    plays, missed = plays + 1, missed_after(rule, missed, given)
    local at = 3 * spin
    told[at - 2], told[at - 1], told[at] = place, given, by_pity
  end
  local packed = pack(unpack(told))
  local body = array(2 + 3 * times) .. pack(plays, missed) .. packed
  local fact = array(2 + 3 * times) .. '\164spun' .. pack(c[b + 7]) .. packed
  return body, grants[1] and grants, false, fact, 'spun', c[b + 7], unpack(told)
end

local function won(lane, mine, member, at, grant)
  local state, place, unit = lane.game, lane.rule.game.places[grant[1]], grant[2]
  local step = min(floor(max(at - lane.opens, 0) / STEP_MS), MOST)
  mine[SUM] = mine[SUM] + grant[3]
  mine[WON] = sub(mine[WON] .. put(WIN, place, unit <= MOST and unit or 0, step), -WIN_BYTES * KEPT)
  state.wins = state.wins + 1
  table.insert(state.recent, 1, { member, place })
  state.recent[RECENT + 1] = nil
end

-- 'spun', pool, (drawn, given, whether by pity) of each spin ...
function game.apply(lane, me, member, at, day, grants, _, _, _, ...)
  local rule, mine, told = lane.rule.game, play_of(me) or { 0, 0, 0, '' }, { ... }
  local times = #told / 3
  if not lane.game.plays then lane.game = { plays = 0, wins = 0, recent = {} } end
  lane.game.plays = lane.game.plays + times
  use_chance(lane, me, day, times)
  mine[PLAYS] = mine[PLAYS] + times
  for spin = 1, times do mine[MISSED] = missed_after(rule, mine[MISSED], told[3 * spin - 1]) end
  for _, grant in ipairs(grants or {}) do won(lane, mine, member, at, grant) end
  me[PLAY] = mine
end

-- units of the prizes with a stock
local function left(lane)
  local units = {}
  for i, id in ipairs(lane.rule.game.counted) do
    local stock = stock_of(lane, id)
    units[i] = stock[3] - stock[2] + 1
  end
  return units
end

-- {plays, plays without a promised prize, points, {place, unit, step ... of the wins, newest first},
-- {units left ...}, {{prize, units} ...}}
function game.view(lane, me)
  local mine, wins, owned = play_of(me) or { 0, 0, 0, '' }, {}, {}
  for at = #mine[WON] - WIN_BYTES + 1, 1, -WIN_BYTES do
    local place, unit, step = get(WIN, mine[WON], at)
    wins[#wins + 1], wins[#wins + 2], wins[#wins + 3] = place, unit, step
  end
  for prize, units in pairs(owned_by(me)) do owned[#owned + 1] = { prize, units } end
  return { mine[PLAYS], mine[MISSED], mine[SUM], wins, left(lane), owned }
end

-- {members joined, plays, wins, {{name, place} ...}, {units left ...}}
function game.tally(lane)
  local recent = {}
  for i, line in ipairs(lane.game.recent or {}) do recent[i] = { name_of(lane, line[1]), line[2] } end
  return { joined(lane), lane.game.plays or 0, lane.game.wins or 0, recent, left(lane) }
end
