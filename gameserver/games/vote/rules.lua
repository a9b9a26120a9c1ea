-- vote: the decision of a ballot, what staff decide on contestants, and what both change. See GAMES.md.
--
-- lane.rule.game: per_day, total, each (ballots of a member: a day, in all, a day for one contestant; false:
--   unlimited), opens (ms), growth (counted votes of a contestant a minute | false), results (who sees them).
-- lane.game: ballots, votes (those that count), contestants in the list, withdrawn ones, ids under review, and
--   pace: how fast each contestant's votes came of late.
-- {tag}:contestants: hash of id -> state and the reason for it. A contestant comes by an order only.
-- Rankings by contestant: counted (`standing`), kept, removed. Nothing sets a count: votes are added, and what
--   was kept is moved as a whole by a decision that is a line of the record.
-- A member's play: the day of the last ballot, ballots on it, ballots in all, and the contestants named on that
-- day as pairs of number and ballots.

local APPROVED, REVIEW, WITHDRAWN = 97, 114, 119 -- the first byte of a state: a, r, w
local NUMBERS = 65536
local ALWAYS, AFTER_VOTING = 1, 2
local MINE, NAMED, NAMED_BYTES = '<I4I4I4', '<I2I2', 4
local ON, TODAY, TOTAL, NAMES = 1, 2, 3, 4
local SLOT_MS, SLOTS, PACE = 10000, 6, '<I4I4I4I4I4I4I4' -- the slot of the last vote; votes in it, in the one before ...
local SHOWN = 50 -- contestants whose numbers are in a snapshot
local NOTHING = '\194' -- MessagePack's false: an order has no body

game = { commands = {}, host = {}, orders = {} }

function game.decode(text)
  local mine = { get(MINE, text) }
  mine[NAMES] = sub(text, mine[NAMES]) -- `get` leaves the place after what it read
  return mine
end

function game.encode(mine) return put(MINE, mine[ON], mine[TODAY], mine[TOTAL]) .. mine[NAMES] end

-- a ballot is one play
function game.begins() return 1 end

local function number_of(id) return tonumber(sub(id, 2)) end

-- equal numbers of votes stand in the order of the contestants' own numbers
local function standing(votes, id) return votes * NUMBERS + NUMBERS - 1 - number_of(id) end

-- a state's letter and reason, or false for an unknown contestant
local function state_of(lane, id)
  local states = lane.states
  if not states then
    states = {}
    lane.states = states
  end
  if states[id] == nil then states[id] = redis.call('HGET', lane.tag .. ':contestants', id) end
  return states[id]
end

local function is_listed(lane, id)
  local state = state_of(lane, id)
  return state and byte(state) ~= WITHDRAWN
end

local function set_contestant(lane, id, letter, reason)
  local state = char(letter) .. reason
  redis.call('HSET', lane.tag .. ':contestants', id, state)
  if lane.states then lane.states[id] = state end
end

-- votes that count, as this tick has them; read once a tick
local function counted_of(lane, id)
  local known = lane.counts
  if not known then
    known = {}
    lane.counts = known
  end
  if not known[id] then known[id] = floor((score_of(lane, 'counted', id) or 0) / NUMBERS) end
  return known[id]
end

local function count(lane, id, votes)
  rank_up(lane, 'counted', votes * NUMBERS, id)
  local known = lane.counts
  if known and known[id] then known[id] = known[id] + votes end
end

-- ballots of a member on the day, in all, and whom they named on the day
local function ballots_of(me, day)
  local mine = play_of(me)
  if not mine then return 0, 0, '' end
  if mine[ON] ~= day then return 0, mine[TOTAL], '' end
  return mine[TODAY], mine[TOTAL], mine[NAMES]
end

-- where NAMES has the contestant's pair, or nil; `find` looks faster than a loop over pairs does
local function pair_of(names, number)
  local wanted, at = char(number % 256, floor(number / 256)), 1
  repeat
    at = string.find(names, wanted, at, true)
    if not at or at % NAMED_BYTES == 1 then return at end
    at = at + 1
  until false
end

-- ballots that named the contestant, and the place of its pair
local function times_named(names, number)
  local at = pair_of(names, number)
  if not at then return 0 end
  local low, high = byte(names, at + 2, at + 3)
  return low + high * 256, at
end

local function name(names, id)
  local number = number_of(id)
  local times, at = times_named(names, number)
  times = min(times + 1, 65535)
  local pair = char(number % 256, floor(number / 256), times % 256, floor(times / 256))
  return at and sub(names, 1, at - 1) .. pair .. sub(names, at + NAMED_BYTES) or names .. pair
end

-- the slot of a moment, and a contestant's counted votes in it and in the slots before: a minute or a little less
local function pace_of(lane, id, at)
  local slot, text, pace = floor(at / SLOT_MS), lane.game.pace[id], { 0, 0, 0, 0, 0, 0 }
  if text then
    local before = { get(PACE, text) }
    local gone = max(slot - before[1], 0)
    for i = 1, SLOTS - gone do pace[i + gone] = before[i + 1] end
  end
  return slot, pace
end

local function grows_too_fast(lane, id, weight)
  local most = lane.rule.game.growth
  if not most then return false end
  local _, pace = pace_of(lane, id, lane.now)
  local votes = weight
  for i = 1, SLOTS do votes = votes + pace[i] end
  return votes > most
end

local function till_tomorrow(lane) return lane.next_day and lane.next_day - lane.now end

-- who gets counted votes of this ballot, who gets kept ones, and who is put under review by it
local function sorted(lane, weight, c, first, last)
  local counted, kept, marked = {}, {}, {}
  for i = first, last do
    local id = c[i]
    if byte(state_of(lane, id)) == REVIEW then
      kept[#kept + 1] = id
    else
      counted[#counted + 1] = id
      if grows_too_fast(lane, id, weight) then marked[#marked + 1] = id end
    end
  end
  return counted, kept, marked
end

local function ended(lane) return lane.state == 'closed' or lane.now > lane.closes end

-- what the ballot's choices have after it
local function counts_after(lane, weight, c, first, last)
  local results = lane.rule.game.results
  if results ~= ALWAYS and results ~= AFTER_VOTING then return false end
  local counts = {}
  for i = first, last do
    local more = byte(state_of(lane, c[i])) ~= REVIEW and weight or 0
    counts[#counts + 1] = counted_of(lane, c[i]) + more
  end
  return counts
end

-- weight, contestant ...
function game.commands.vote(lane, me, c, b)
  local rule, weight, first, last = lane.rule.game, c[b + 6], b + 7, b + c[b]
  if lane.now < rule.opens then return nil, 'not_voting_yet', rule.opens - lane.now end
  local today, total, names = ballots_of(me, lane.day)
  if rule.total and total >= rule.total then return nil, 'ballot_limit' end
  if rule.per_day and today >= rule.per_day then return nil, 'ballot_limit', till_tomorrow(lane) end
  for i = first, last do
    if not is_listed(lane, c[i]) then return nil, 'contestant_unknown' end
    if rule.each and times_named(names, number_of(c[i])) >= rule.each then return nil, 'contestant_limit', till_tomorrow(lane) end
  end
  local body = pack({
    { unpack(c, first, last) }, weight, rule.per_day and rule.per_day - today - 1, rule.total and rule.total - total - 1,
    counts_after(lane, weight, c, first, last),
  })
  local counted, kept, marked = sorted(lane, weight, c, first, last)
  if #marked > 0 then emit(lane, MUST, 'contestants_changed', { lane.game.contestants }) end
  return body, false, false, pack({ 'vote', weight, counted, kept, marked }), 'vote', weight, counted, kept, marked
end

local function changed(lane, more, fact)
  emit(lane, MUST, 'contestants_changed', { (lane.game.contestants or 0) + more })
  return NOTHING, false, false, pack(fact), unpack(fact)
end

-- {{id, number} ...}: new in the list, or in it again
function game.orders.admit(lane, _, c, b)
  for _, contestant in ipairs(c[b + 6]) do
    if is_listed(lane, contestant[1]) then return nil, 'contestant_state' end
  end
  return changed(lane, #c[b + 6], { 'admitted', c[b + 6] })
end

-- id, reason: out of the list; its votes stay what they are
function game.orders.withdraw(lane, _, c, b)
  if not is_listed(lane, c[b + 6]) then return nil, 'contestant_state' end
  return changed(lane, -1, { 'withdrawn', c[b + 6], c[b + 7] })
end

-- id, reason
function game.orders.review(lane, _, c, b)
  local state = state_of(lane, c[b + 6])
  if not state or byte(state) ~= APPROVED then return nil, 'contestant_state' end
  return changed(lane, 0, { 'review', c[b + 6], c[b + 7] })
end

-- all that was kept of a contestant is decided on at once
local function decided(lane, c, b, kind)
  local id = c[b + 6]
  local state = state_of(lane, id)
  if not state or byte(state) ~= REVIEW then return nil, 'contestant_state' end
  return changed(lane, 0, { kind, id, score_of(lane, 'kept', id) or 0, c[b + 7] })
end

-- id, reason: what was kept counts
function game.orders.clear_review(lane, _, c, b) return decided(lane, c, b, 'kept_counted') end

-- id, reason: what was kept is removed
function game.orders.remove_kept(lane, _, c, b) return decided(lane, c, b, 'kept_removed') end

local function put_under_review(lane, id, reason)
  set_contestant(lane, id, REVIEW, reason)
  lane.game.review[#lane.game.review + 1] = id
  lane.game.pace[id] = nil
end

local function end_review(lane, id)
  local review = lane.game.review
  for i = #review, 1, -1 do
    if review[i] == id then table.remove(review, i) end
  end
end

-- contestants whose last vote is more than a minute old have no pace; looked for once a slot
local function drop_old_paces(state, slot)
  if state.slot == slot then return end
  state.slot = slot
  for id, text in pairs(state.pace) do
    if slot - get('<I4', text) >= SLOTS then state.pace[id] = nil end
  end
end

local function note_pace(lane, id, at, weight)
  local slot, pace = pace_of(lane, id, at)
  pace[1] = pace[1] + weight
  lane.game.pace[id] = put(PACE, slot, unpack(pace))
  drop_old_paces(lane.game, slot)
end

local function apply_vote(lane, me, at, day, weight, counted, kept, marked)
  local state, today, total, names = lane.game, ballots_of(me, day)
  for _, id in ipairs(counted) do
    count(lane, id, weight)
    names = name(names, id)
    if lane.rule.game.growth then note_pace(lane, id, at, weight) end
  end
  for _, id in ipairs(kept) do
    rank_up(lane, 'kept', weight, id)
    names = name(names, id)
  end
  for _, id in ipairs(marked) do put_under_review(lane, id, 'growth') end
  state.ballots, state.votes = state.ballots + 1, state.votes + weight * #counted
  me[PLAY] = { day, today + 1, total + 1, names }
  use_chance(lane, me, day, 1)
end

local APPLY = {}

function APPLY.admitted(lane, contestants)
  local state = lane.game
  if not state.ballots then
    state.ballots, state.votes, state.contestants, state.withdrawn = 0, 0, 0, 0
    state.review, state.pace = {}, {}
  end
  for _, contestant in ipairs(contestants) do
    local id = contestant[1]
    if state_of(lane, id) then
      state.withdrawn = state.withdrawn - 1
    else
      rank(lane, 'counted', standing(0, id), id)
    end
    state.contestants = state.contestants + 1
    set_contestant(lane, id, APPROVED, '')
  end
end

function APPLY.withdrawn(lane, id, reason)
  local state = lane.game
  state.contestants, state.withdrawn = state.contestants - 1, state.withdrawn + 1
  end_review(lane, id)
  state.pace[id] = nil
  set_contestant(lane, id, WITHDRAWN, reason)
end

function APPLY.review(lane, id, reason) put_under_review(lane, id, reason) end

function APPLY.kept_counted(lane, id, votes, reason)
  count(lane, id, votes)
  rank_up(lane, 'kept', -votes, id)
  lane.game.votes = lane.game.votes + votes
  end_review(lane, id)
  set_contestant(lane, id, APPROVED, reason)
end

function APPLY.kept_removed(lane, id, votes, reason)
  rank_up(lane, 'removed', votes, id)
  rank_up(lane, 'kept', -votes, id)
  end_review(lane, id)
  set_contestant(lane, id, APPROVED, reason)
end

function game.apply(lane, me, member, at, day, grants, extra, kind, ...)
  if kind == 'vote' then return apply_vote(lane, me, at, day, ...) end
  APPLY[kind](lane, ...)
end

-- the first `most` of the list as {{id, votes that count} ...}
local function leaders(lane, most)
  local found, out = {}, lane.game.withdrawn or 0
  for _, line in ipairs(ranking_of(lane, 'counted', most + out, 0)) do
    if #found < most and (out == 0 or is_listed(lane, line[1])) then
      found[#found + 1] = { line[1], floor(line[2] / NUMBERS) }
    end
  end
  return found
end

-- {day of the last ballot, ballots on it, ballots in all, {{contestant, ballots} ...} on it, leaders | false}
function game.view(lane, me, member)
  local mine, results, named = play_of(me) or { 0, 0, 0, '' }, lane.rule.game.results, {}
  for at = 1, #mine[NAMES], NAMED_BYTES do
    local number, times = get(NAMED, mine[NAMES], at)
    named[#named + 1] = { string.format('c%04d', number), times }
  end
  local shows = results == ALWAYS or results == AFTER_VOTING and mine[TOTAL] > 0 or ended(lane)
  return { mine[ON], mine[TODAY], mine[TOTAL], named, shows and leaders(lane, SHOWN) }
end

-- {members joined, ballots, votes that count, leaders, ids under review, contestants in the list}
function game.tally(lane)
  local state = lane.game
  local top = lane.rule.game.results == ALWAYS and leaders(lane, 10) or {}
  return { joined(lane), state.ballots or 0, state.votes or 0, top, state.review or {}, state.contestants or 0 }
end
