-- quiz, led by a host: part of rules.lua. See GAMES.md.
--
-- lane.game: state, number of questions asked (`round`), the last of them and its time, when the first
-- began, how many have answered it, `counts` by option as written, all that were asked, and teams as
-- {score, members, what this question will add}.
-- The ranking 'gain' holds what the question on has brought; `reveal` adds it to 'total'. Scores of both are
-- points * TIME - ms of the right answers: of equal points less time is ahead.
local TIME = 8388608
-- A member's play: its kind, team, and the last two questions answered: number, grade, gain, right answers in
-- a row up to it. Whoever has not answered the one before the last has broken the row, without being told so.
local PLAYED = '<BBI2BI4I2I2BI4I2'
local TEAM, ROUND, GRADE, GAIN, ROW, BEFORE = 2, 3, 4, 5, 6, 7
local TOP = 10

function live.decode(text) return { get(PLAYED, text) } end

function live.encode(mine) return put(PLAYED, unpack(mine, 1, 10)) end

local function fresh(rule)
  local teams = {}
  for team = 1, rule.teams do teams[team] = { 0, 0, 0 } end
  return { state = 'lobby', round = 0, question = -1, starts = 0, ends = 0, first = 0, answered = 0,
    counts = {}, asked = {}, teams = teams }
end

local function room_of(lane) return lane.game.state and lane.game or fresh(lane.rule.game) end

-- the state with what time alone has done
local function state_now(lane, room)
  local over = room.state == 'question' and lane.now > room.ends + lane.rule.game.grace
  return over and 'locked' or room.state
end

-- the last question whose answer was told
local function told_round(room)
  return (room.state == 'question' or room.state == 'locked') and room.round - 1 or room.round
end

-- {grade, gain, row} of the member's answer to question number `round`, or nil
local function entry_of(mine, round)
  if not mine or round == 0 then return end
  if mine[ROUND] == round then return { mine[GRADE], mine[GAIN], mine[ROW] } end
  if mine[BEFORE] == round then return { mine[BEFORE + 1], mine[BEFORE + 2], mine[BEFORE + 3] } end
end

-- survival: only who was right in every question before
local function is_alive(rule, mine, round)
  if not rule.survival or round == 1 then return true end
  return mine and mine[ROUND] == round - 1 and mine[GRADE] == RIGHT or false
end

local function came_late(lane, me, room)
  return not lane.rule.game.late and room.round > 0 and joined_at(me) > room.first
end

-- the first thing that a member does is their play
function live.begins(me) return play_of(me) and 0 or 1 end

-- team, by its place in the config
function live.join_team(lane, me, c, b)
  local team, mine, room = c[b + 6], play_of(me), room_of(lane)
  if room.state == 'podium' then return nil, 'wrong_state' end
  if mine and mine[TEAM] > 0 then return nil, 'team_chosen' end
  if came_late(lane, me, room) then return nil, 'late_join' end
  return pack({ team }), false, false, pack({ 'team_joined', team }), 'team_joined', team
end

-- whether the question is on; nil, a code and when to try again
local function is_on(lane, room, question)
  if room.question ~= question then
    for _, asked in ipairs(room.asked or {}) do
      if asked == question then return nil, 'question_closed' end
    end
    return nil, 'not_asked'
  end
  if lane.now < room.starts then return nil, 'not_asked', room.starts - lane.now end
  if state_now(lane, room) ~= 'question' then return nil, 'question_closed' end
  return true
end

-- whether the member may answer it; nil and a code
local function may_answer(lane, me, mine, room)
  local rule = lane.rule.game
  if mine and mine[ROUND] == room.round then return nil, 'answered_already' end
  if rule.teams > 0 and not (mine and mine[TEAM] > 0) then return nil, 'team_needed' end
  if came_late(lane, me, room) then return nil, 'late_join' end
  if not is_alive(rule, mine, room.round) then return nil, 'out_of_game' end
  return true
end

-- round((1 - (t/T)/2) x the score of a right answer), or all of it, and what those before it in a row add
local function gain_of(rule, took, row)
  local score, most = rule.score, rule.ms
  local gain = rule.flat and score or floor((2 * score * most - score * took + most) / (2 * most))
  return gain + rule.bonus * min(row - 1, rule.bonus_rows)
end

-- question, grade, bits of the options chosen as they were written, round trip
function live.answer(lane, me, c, b)
  local room, rule, mine, question = lane.game, lane.rule.game, play_of(me), c[b + 6]
  local may, code, retry = is_on(lane, room, question)
  if may then may, code = may_answer(lane, me, mine, room) end
  if not may then return nil, code, retry end
  local grade, chosen = c[b + 7], c[b + 8]
  if grade == BAD then return nil, 'bad_answer' end
  local took, row, gain = took_since(lane, room.starts, c[b + 9], rule.ms), 0, 0
  if grade == RIGHT then
    row = mine and mine[ROUND] == room.round - 1 and mine[GRADE] == RIGHT and mine[ROW] + 1 or 1
    gain = gain_of(rule, took, row)
  end
  local body = '\146' .. pack(question, lane.now)
  local fact = '\151\168answered' .. pack(question, grade, chosen, gain, took, row)
  return body, false, false, fact, 'answered', question, grade, chosen, gain, took, row
end

local function told(state, fact, ...) return pack({ state }), false, false, pack({ fact, ... }), fact, ... end

-- question
function game.host.ask(lane, _, c, b)
  local question, room, rule = c[b + 6], room_of(lane), lane.rule.game
  if room.state ~= 'lobby' and room.state ~= 'reveal' and room.state ~= 'ranking' then return nil, 'wrong_state' end
  for _, asked in ipairs(room.asked) do
    if asked == question then return nil, 'wrong_state' end
  end
  local starts = lane.now + rule.lead
  emit(lane, MUST, 'question_opened', { question, starts, starts + rule.ms })
  return told('question', 'opened', question, starts, starts + rule.ms)
end

function game.host.lock(lane)
  local room = room_of(lane)
  if room.state ~= 'question' then return nil, 'wrong_state' end
  emit(lane, MUST, 'question_locked', { room.question, room.answered })
  return told('locked', 'locked')
end

function game.host.reveal(lane)
  local room = room_of(lane)
  if state_now(lane, room) == 'question' then
    return nil, 'not_locked', room.ends + lane.rule.game.grace + 1 - lane.now
  end
  if room.state ~= 'question' and room.state ~= 'locked' then return nil, 'wrong_state' end
  emit(lane, MUST, 'revealed', { room.question, room.round, room.counts, room.answered })
  return told('reveal', 'revealed')
end

local function points_in(score) return math.ceil((score or 0) / TIME) end

-- places gained since the question before; 0 for one who was in no ranking then
local function moved(before, place) return before > 0 and place > 0 and before - place or 0 end

local function top(lane)
  local first = ranking_of(lane, 'total', TOP, 0)
  load_all(lane, first, 1)
  for place, line in ipairs(first) do
    local member = line[1]
    first[place] = { name_of(lane, member), points_in(line[2]), moved(place_of(lane, 'before', member), place) }
  end
  return first
end

local function teams_of(room)
  local teams = {}
  for place, team in ipairs(room.teams) do teams[place] = { team[1], team[2] } end
  return teams
end

function game.host.rank(lane)
  local room = room_of(lane)
  if room.state ~= 'reveal' then return nil, 'wrong_state' end
  emit(lane, MUST, 'ranked', { room.question, top(lane), ranked(lane, 'total'), teams_of(room) })
  return told('ranking', 'ranked')
end

function game.host.finish(lane)
  local room = room_of(lane)
  if room.state ~= 'reveal' and room.state ~= 'ranking' then return nil, 'wrong_state' end
  emit(lane, MUST, 'finished', { top(lane), ranked(lane, 'total'), teams_of(room) })
  local grants = place_grants(lane, 'total', 'place', lane.rule.game.tiers)
  return pack({ 'podium' }), #grants > 0 and grants, false, pack({ 'finished' }), 'finished'
end

local function play_for(lane, me, day)
  local mine = play_of(me)
  if not mine then
    mine = { 1, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
    me[PLAY] = mine
    use_chance(lane, me, day, 1)
  end
  return mine
end

local applying = {}

function applying.answered(lane, me, member, _, day, _, grade, chosen, gain, took, row)
  local room, mine = lane.game, play_for(lane, me, day)
  for field = BEFORE, BEFORE + 3 do mine[field] = mine[field - 4] end
  mine[ROUND], mine[GRADE], mine[GAIN], mine[ROW] = room.round, grade, gain, row
  room.answered = room.answered + 1
  local counts, option = room.counts, 1
  while chosen > 0 do
    if chosen % 2 == 1 then counts[option] = counts[option] + 1 end
    chosen, option = floor(chosen / 2), option + 1
  end
  if mine[TEAM] > 0 then
    local team = room.teams[mine[TEAM]]
    team[3] = team[3] + gain
  end
  rank(lane, 'gain', gain * TIME - (grade == RIGHT and took or 0), member)
end

function applying.team_joined(lane, me, _, _, day, team)
  play_for(lane, me, day)[TEAM] = team
  lane.game.teams[team][2] = lane.game.teams[team][2] + 1
end

function applying.opened(lane, _, _, _, _, question, starts, ends)
  local room = lane.game
  room.state, room.round, room.question, room.starts, room.ends = 'question', room.round + 1, question, starts, ends
  if room.round == 1 then room.first = starts end
  room.asked[room.round], room.answered = question, 0
  for option = 1, lane.rule.game.options do room.counts[option] = 0 end
end

function applying.locked(lane, _, _, at) lane.game.state, lane.game.ends = 'locked', min(lane.game.ends, at) end

function applying.revealed(lane)
  lane.game.state = 'reveal'
  copy_ranking(lane, 'before', 'total')
  add_rankings(lane, 'total', 'gain')
  forget_ranking(lane, 'gain')
  for _, team in ipairs(lane.game.teams) do team[1], team[3] = team[1] + team[3], 0 end
end

function applying.ranked(lane) lane.game.state = 'ranking' end

function applying.finished(lane) lane.game.state = 'podium' end

function live.apply(lane, me, member, at, day, _, kind, ...)
  lane.game, lane.shown = room_of(lane), nil
  applying[kind](lane, me, member, at, day, ...)
end

-- what all see alike; once a call, however many members' views it makes
local function shared(lane)
  if not lane.shown then
    local room = room_of(lane)
    local state = state_now(lane, room)
    local ranking = state == 'ranking' or state == 'podium'
    lane.shown = { state, room.question, room.round, room.starts, room.ends, room.answered,
      state == 'reveal' and room.counts, room.asked, ranking and top(lane), ranked(lane, 'total'), teams_of(room) }
  end
  return lane.shown
end

-- points that the member's place has won
local function won_by(me)
  for _, grant in ipairs(notes_of(me)[GIVEN]) do
    if grant[1] == 'place' then return grant[3] end
  end
  return 0
end

-- {whether the question on is answered, team, score, place, place before, the last question told, the member's
-- {grade, gain, row} in it | false, row, alive, won, what all see}: nothing of a question that was not told yet
function live.view(lane, me, member)
  local room, mine = room_of(lane), play_of(me)
  local round = told_round(room)
  local entry = entry_of(mine, round) or false
  local alive = not lane.rule.game.survival or round == 0 or entry and entry[1] == RIGHT or false
  return { mine and mine[ROUND] == room.round and room.round > 0 or false, mine and mine[TEAM] or 0,
    points_in(score_of(lane, 'total', member)), place_of(lane, 'total', member), place_of(lane, 'before', member),
    round, entry, entry and entry[3] or 0, alive, won_by(me), shared(lane) }
end

function live.tally(lane)
  local room, members = room_of(lane), {}
  for place, team in ipairs(room.teams) do members[place] = team[2] end
  return { joined(lane), state_now(lane, room), room.question >= 0 and room.question, room.answered, members }
end
