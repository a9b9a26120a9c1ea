import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { LivePicture, Mine } from '../events'
import { keep } from '../../../shell/storage'
import { bench, question } from '../testing'
import { liveModel } from './model'

const STANDING = { score: 0, place: 0, streak: 0, alive: true, team: null }
const PICTURE: LivePicture = {
  mode: 'live', state: 'lobby', question: null, answered: false, answers: 0, mine: STANDING, of: 3, asked: [],
  players: 0, teams: [], solution: null, counts: null, revealed: null, top: null,
}
const MINE: Mine = { answered: true, right: true, gained: 900, streak: 2, score: 1900, alive: true }
const SOLUTION = { choices: [0], explanation: '' }
let stop = (): void => undefined

beforeEach(() => {
  vi.useFakeTimers()
  keep('quiz.r1', null)
})
afterEach(() => {
  stop()
  vi.useRealTimers()
})

function made(picture: Partial<LivePicture> = {}, play: object = {}) {
  const kit = bench({ mode: 'live', teams: [], ...play }, { ...PICTURE, ...picture })
  stop = kit.stop
  return { ...kit, model: kit.run(() => liveModel(kit.context)) }
}

test('a question from its countdown to the ranking; the score moves only when it is revealed', async () => {
  const { model, sent, says, pass } = made()
  expect(model.phase.value).toBe('lobby')
  says({ ev: 'question_opened', question: question(0, 2000) })
  expect(model.phase.value).toBe('lead')
  await pass(1000)
  expect(model.phase.value).toBe('question')
  void model.answer({ choices: [1] })
  expect(sent[0]).toMatchObject({ op: 'answer', fields: { question: 0, choices: [1] } })
  says({ ev: 'answered', question: 0, at: 2100 })
  await sent[0]!.take()
  expect([model.phase.value, model.given.value, model.mine.value.score]).toEqual(['answered', { choices: [1] }, 0])
  says({ ev: 'question_locked', question: 0, answered: 4 })
  expect([model.phase.value, model.answers.value]).toEqual(['locked', 4])
  says({ ev: 'revealed', question: 0, solution: SOLUTION, counts: [1, 3], answered: 4, mine: MINE })
  expect([model.phase.value, model.mine.value.score, model.mine.value.streak]).toEqual(['reveal', 1900, 2])
  says({ ev: 'ranked', question: 0, top: [], place: 3, moved: 1, score: 1900, players: 4, teams: [] })
  expect([model.phase.value, model.mine.value.place]).toEqual(['ranking', 3])
})

test('time locks the question without a word from the server', async () => {
  const { model, says, pass } = made()
  says({ ev: 'question_opened', question: question(0) })
  await pass(10_000)
  expect([model.phase.value, model.over.value]).toEqual(['locked', true])
})

test('the next question forgets the answer to the one before', () => {
  const { model, says } = made()
  says({ ev: 'question_opened', question: question(0) })
  void model.answer({ choices: [1] })
  says({ ev: 'answered', question: 0, at: 1 })
  says({ ev: 'question_opened', question: question(1) })
  expect([model.answered.value, model.given.value, model.sending.value]).toEqual([false, null, false])
})

test('a refresh in mid-question keeps what was answered', () => {
  keep('quiz.r1', JSON.stringify([1, { choices: [1] }]))
  const { model } = made({ state: 'question', question: question(1), answered: true })
  expect([model.phase.value, model.given.value]).toEqual(['answered', { choices: [1] }])
})

test('an answer is known to the page after a refresh', () => {
  const { model, says } = made()
  says({ ev: 'question_opened', question: question(0) })
  void model.answer({ choices: [1] })
  stop()
  const again = made({ state: 'question', question: question(0), answered: true })
  expect(again.model.given.value).toEqual({ choices: [1] })
})

test('what was answered to another question is not shown for this one', () => {
  keep('quiz.r1', JSON.stringify([0, { choices: [1] }]))
  const { model } = made({ state: 'question', question: question(1), answered: true })
  expect([model.phase.value, model.given.value]).toEqual(['answered', null])
})

test('who reconnects after the lock sees what was missed', () => {
  const { model, says, welcome } = made()
  says({ ev: 'question_opened', question: question(0) })
  welcome({
    ...PICTURE, state: 'reveal', question: question(0), solution: SOLUTION, counts: [2, 1], answers: 3, revealed: MINE,
    mine: { ...STANDING, score: 1900 },
  })
  expect([model.phase.value, model.revealed.value?.mine, model.mine.value.score]).toEqual(['reveal', MINE, 1900])
  const top = [{ name: '张*', score: 1900, place: 1 }]
  welcome({ ...PICTURE, state: 'podium', top, players: 3, mine: { ...STANDING, score: 1900, place: 1, won: 300 } })
  expect(model.finished.value).toMatchObject({ place: 1, won: 300, players: 3, top })
})

test.each([
  ['out_of_game', 'out'],
  ['late_join', 'late'],
])('refused with %s one watches on', async (code, watching) => {
  const { model, sent, says } = made()
  says({ ev: 'question_opened', question: question(0) })
  void model.answer({ choices: [1] })
  await sent[0]!.refuse(code)
  expect([model.watching.value, model.given.value, model.answered.value]).toEqual([watching, null, false])
  void model.answer({ choices: [0] })
  expect(sent.length).toBe(1)
})

test('an answer that another page gave counts as given', async () => {
  const { model, sent, says } = made()
  says({ ev: 'question_opened', question: question(0) })
  void model.answer({ choices: [1] })
  await sent[0]!.refuse('answered_already')
  expect(model.phase.value).toBe('answered')
})

test('who is out is told so by the reveal', () => {
  const { model, says } = made()
  says({ ev: 'question_opened', question: question(0) })
  says({ ev: 'revealed', question: 0, solution: SOLUTION, counts: [], answered: 1, mine: { ...MINE, right: false, alive: false } })
  expect(model.watching.value).toBe('out')
})

test('who waits for the host for long is told', async () => {
  const { model, says, pass } = made()
  says({ ev: 'question_opened', question: question(0) })
  says({ ev: 'question_locked', question: 0, answered: 4 })
  await pass(40_000)
  expect(model.hostAway.value).toBe(false)
  await pass(10_000)
  expect(model.hostAway.value).toBe(true)
  says({ ev: 'revealed', question: 0, solution: SOLUTION, counts: [], answered: 4, mine: MINE })
  await pass(100)
  expect(model.hostAway.value).toBe(false)
})

test('a team is needed where there are teams, until one is joined', () => {
  const { model, says } = made({}, { teams: [{ id: 'a', name: 'A' }, { id: 'b', name: 'B' }] })
  expect(model.teamNeeded.value).toBe(true)
  says({ ev: 'team_joined', team: 'b' })
  expect([model.teamNeeded.value, model.mine.value.team]).toEqual([false, 'b'])
})
