-- quiz: a round played alone (rules/solo.lua), and the live quiz that a host leads (rules/live.lua). See GAMES.md.
--
-- lane.rule.game is the plan's rule() (solo.py, live.py); `live` says which of the two this room is.
-- Answers come graded: WRONG, RIGHT, or BAD for one that does not fit its kind of question. Whether it may be
-- given at all is decided first, so that no refusal tells anything about a question that was not asked yet.

local WRONG, RIGHT, BAD = 0, 1, 2
local MAX_RTT_MS = 500

game = { commands = {}, host = {}, orders = {} }
local solo, live = {}, {} -- what both have: begins, answer, decode, encode, apply, view, tally

-- ms from `since` to an answer that came now; half of its round trip is the network's
local function took_since(lane, since, rtt, most)
  return min(max(0, lane.now - since - floor(min(rtt, MAX_RTT_MS) / 2)), most)
end

-- a live play begins with the byte 1, which no array of MessagePack does; a solo one has five parts
function game.decode(text) return (byte(text) == 1 and live or solo).decode(text) end

function game.encode(mine) return (#mine > 5 and live or solo).encode(mine) end

local function mode_of(lane) return lane.rule.game.live and live or solo end

-- only a solo answer has text in its fourth place
function game.begins(me, c, b)
  local alone = c[b + 4] == 'begin' or type(c[b + 9]) == 'string'
  return (alone and solo or live).begins(me, c, b)
end

function game.commands.begin(lane, me, c, b) return solo.begin(lane, me, c, b) end

function game.commands.answer(lane, me, c, b) return mode_of(lane).answer(lane, me, c, b) end

function game.commands.join_team(lane, me, c, b) return live.join_team(lane, me, c, b) end

function game.apply(lane, me, member, at, day, grants, _, ...)
  mode_of(lane).apply(lane, me, member, at, day, grants, ...)
end

function game.view(lane, me, member) return mode_of(lane).view(lane, me, member) end

function game.tally(lane) return mode_of(lane).tally(lane) end
