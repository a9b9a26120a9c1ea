-- quiz, a round played alone: part of rules.lua. See GAMES.md.
--
-- A member's play: rounds begun, best score, points in all, the round that is on, the last one that is over.
local ROUNDS, BEST, POINTS, ON, LAST = 1, 2, 3, 4, 5
-- The round that is on: place of its question and when its time begins (an answer before that is as quick as
-- can be: the pause is there to read what was right before), score, right answers, lives | false, ms
-- the answers took, and what was answered: a mark and the answer as the plan writes it.
local PLACE, SINCE, SCORE, RIGHTS, LIVES, MS, SAID = 1, 2, 3, 4, 5, 6, 7
local MARKS = { [WRONG] = '0', [RIGHT] = '1' }
local LATE = 'l'

solo.decode, solo.encode = function(text) return unpack_one(text) end, function(mine) return pack(mine) end

local function may_begin(me, round)
  local mine = play_of(me)
  if not mine then return round == 1 end
  return not mine[ON] and round == mine[ROUNDS] + 1
end

function solo.begins(me, c, b) return c[b + 4] == 'begin' and may_begin(me, c[b + 6]) and 1 or 0 end

-- round
function solo.begin(lane, me, c, b)
  local round = c[b + 6]
  if not may_begin(me, round) then return nil, 'attempt_stale' end
  if lane.rule.game.pays then
    local code, retry = win_refused(lane, me)
    if code then return nil, code, retry end
  end
  return pack({ round, lane.now }), false, false, pack({ 'begun', round }), 'begun', round
end

-- what a round comes to: grants | false, the prize of passing it | false. Both count as wins where these are
-- capped, the prize first
local function won(lane, me, member, score, rights)
  local rule, grants, prize = lane.rule.game, {}, false
  if not rule.pays or win_refused(lane, me) then return false, false end
  if rule.prize and score >= rule.pass then
    local id, grant = awarded(lane, me, member, rule.prize, {})
    prize, grants[1] = id or false, grant
  end
  if rule.per_right > 0 then
    local paid = min(rights, floor((rule.budget - (lane.game.paid or 0)) / rule.per_right))
    local stock = stock_of(lane, 'score')
    if paid > 0 and stock[2] <= stock[3] and may_win(lane, me, #grants) then
      grants[#grants + 1] = { 'score', stock[2], paid * rule.per_right, lane.epoch, member }
    end
  end
  return #grants > 0 and grants, prize
end

-- round, place of the question, grade, the answer as the plan writes it, round trip
function solo.answer(lane, me, c, b)
  local round, place, grade, said = c[b + 6], c[b + 7], c[b + 8], c[b + 9]
  local mine, rule = play_of(me), lane.rule.game
  local on = mine and mine[ON]
  if not on or mine[ROUNDS] ~= round then return nil, 'no_attempt' end
  if place < on[PLACE] then return nil, 'answered_already' end
  if place > on[PLACE] then return nil, 'not_asked' end
  if grade == BAD then return nil, 'bad_answer' end
  local took = took_since(lane, on[SINCE], c[b + 10], rule.ms)
  local mark = lane.now > on[SINCE] + rule.ms + rule.grace and LATE or MARKS[grade]
  local gain, rights, lives = 0, on[RIGHTS], on[LIVES]
  if mark == MARKS[RIGHT] then
    gain, rights = rule.right + floor(rule.speed * (rule.ms - took) / rule.ms), rights + 1
  elseif lives then
    lives = lives - 1
  end
  local score, over = on[SCORE] + gain, place + 1 == rule.count or lives == 0
  local grants, prize, result = false, false, false
  if over then
    grants, prize = won(lane, me, c[b + 1], score, rights)
    result = { rights, on[MS] + took, prize, { unpack(on[SAID]) } }
    result[4][place + 1] = mark .. said
  end
  local body = pack({ round, place, mark, gain, score, lives, lane.now + rule.pause, result })
  local fact = pack({ 'checked', place, mark, gain, took, said, over, prize })
  return body, grants, false, fact, 'checked', place, mark, gain, took, said, over, prize
end

local function apply_begun(lane, me, at, day, round)
  local mine = play_of(me) or { 0, 0, 0, false, false }
  mine[ROUNDS], mine[ON] = round, { 0, at, 0, 0, lane.rule.game.lives, 0, {} }
  me[PLAY] = mine
  use_chance(lane, me, day, 1)
end

local function end_round(lane, mine, grants, prize)
  local on, points, unit, amount = mine[ON], 0, false, false
  for _, grant in ipairs(grants or {}) do
    mine[POINTS] = mine[POINTS] + grant[3]
    if grant[1] == 'score' then
      points = grant[3]
      lane.game.paid = (lane.game.paid or 0) + points
    else
      unit, amount = grant[2], grant[3]
    end
  end
  mine[BEST] = max(mine[BEST], on[SCORE])
  mine[LAST] = { mine[ROUNDS], on[SCORE], on[RIGHTS], on[MS], points, prize, unit, amount, on[SAID] }
  mine[ON] = false
  lane.game.over = (lane.game.over or 0) + 1
end

local function apply_checked(lane, me, at, grants, place, mark, gain, took, said, over, prize)
  local mine = play_of(me)
  local on = mine[ON]
  on[PLACE], on[SINCE] = place + 1, at + lane.rule.game.pause
  on[SCORE], on[MS] = on[SCORE] + gain, on[MS] + took
  on[SAID][place + 1] = mark .. said
  if mark == MARKS[RIGHT] then
    on[RIGHTS] = on[RIGHTS] + 1
  elseif on[LIVES] then
    on[LIVES] = on[LIVES] - 1
  end
  if over then end_round(lane, mine, grants, prize) end
end

function solo.apply(lane, me, _, at, day, grants, kind, ...)
  if kind == 'begun' then return apply_begun(lane, me, at, day, ...) end
  apply_checked(lane, me, at, grants, ...)
end

-- the play as it is, and units of prizes
function solo.view(_, me)
  local mine, prizes = play_of(me) or { 0, 0, 0, false, false }, {}
  for prize, units in pairs(owned_by(me)) do prizes[#prizes + 1] = { prize, units } end
  return { mine[ROUNDS], mine[BEST], mine[POINTS], mine[ON], mine[LAST], prizes }
end

function solo.tally(lane) return { joined(lane), 'solo', false, lane.game.over or 0, {} } end
