import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { StageContext } from '../../../shell/stage'
import type { LivePicture, Picture, Play } from '../events'
import { bench, question } from '../testing'
import { quizShow } from './show'

const PICTURE: LivePicture = {
  mode: 'live', state: 'lobby', question: null, answered: false, answers: 0, mine: null, of: 3, asked: [], players: 0,
  teams: [], solution: null, counts: null, revealed: null, top: null,
}
let stop = (): void => undefined

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  stop()
  vi.useRealTimers()
})

function made(picture: Partial<LivePicture> = {}) {
  const kit = bench({ mode: 'live', of: 3, teams: [] }, { ...PICTURE, ...picture })
  stop = kit.stop
  return { ...kit, show: kit.run(() => quizShow(kit.context as unknown as StageContext<Play, Picture>)) }
}

const tally = (answered: number, at: number | null = 0) => ({
  ev: 'tally', joined: 7, state: at === null ? 'lobby' : 'question', question: at, answered, teams: {},
})

test('answers are counted for the question that is on, and never backwards', () => {
  const { show, says } = made()
  says({ ev: 'question_opened', question: question(0) })
  says(tally(5))
  says(tally(4))
  says(tally(9, 2))
  expect([show.answered.value, show.joined.value]).toEqual([5, 7])
  says({ ev: 'question_locked', question: 0, answered: 6 })
  says(tally(5))
  expect([show.phase.value, show.answered.value]).toEqual(['locked', 6])
  says({ ev: 'question_opened', question: question(1, 2000) })
  expect([show.phase.value, show.answered.value]).toEqual(['lead', 0])
})

test('the next question is the first that was not asked', () => {
  const { show, says } = made({ asked: [0] })
  expect(show.next.value).toBe(1)
  says({ ev: 'question_opened', question: question(2) })
  expect(show.next.value).toBe(1)
  says({ ev: 'question_opened', question: question(1, 3000) })
  expect(show.next.value).toBeNull()
})

test('a second screen sees where the quiz is', () => {
  const solution = { choices: [0], explanation: '' }
  const { show } = made({ state: 'reveal', question: question(1), asked: [0, 1], answers: 4, solution, counts: [3, 1] })
  expect([show.phase.value, show.answered.value, show.revealed.value?.counts]).toEqual(['reveal', 4, [3, 1]])
})

test('a ranking from before does not outlive the next question', () => {
  const { show, says, welcome } = made()
  says({ ev: 'ranked', question: 0, top: [], place: 0, moved: 0, score: 0, players: 5, teams: [] })
  says({ ev: 'question_opened', question: question(1) })
  expect([show.phase.value, show.ranked.value]).toEqual(['question', null])
  const top = [{ name: '张*', score: 9, place: 1, moved: 0 }]
  welcome({ ...PICTURE, state: 'ranking', question: question(1), asked: [1], players: 5, top })
  expect([show.phase.value, show.ranked.value?.top]).toEqual(['ranking', top])
})
