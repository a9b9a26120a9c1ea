import { expect, test } from 'vitest'
import type { Asked, Kind } from '../events'
import { blank, complete, moved, solutionText, toggled, typedNumber } from './given'
import { markOf, paired } from './tiles'

const asked = (kind: Kind, options: string[] = []): Asked => ({
  question: 0, of: 1, kind, text: '', image: null, options, difficulty: 1, starts_at: 0, ends_at: 1,
})

test.each([
  ['3.5', '3.5'],
  [' -12 ', '-12'],
  ['１２', '12'],
  ['1,024', '1024'],
  ['3。5', '3.5'],
  ['−2', '-2'],
  ['.5', '.5'],
])('%s is a number', (text, number) => expect(typedNumber(text)).toBe(number))

test.each(['', '-', 'twelve', '1e3', '1.2.3', '0x10', 'NaN', '1'.repeat(19)])('%s is no number', (text) =>
  expect(typedNumber(text)).toBeNull(),
)

test('an answer is complete once it fits its kind', () => {
  expect(complete(asked('single', ['a', 'b']), { choices: [] })).toBeNull()
  expect(complete(asked('single', ['a', 'b']), { choices: [1] })).toEqual({ choices: [1] })
  expect(complete(asked('number'), { number: '三' })).toBeNull()
  expect(complete(asked('number'), { number: '３' })).toEqual({ number: '3' })
  expect(complete(asked('text'), { text: '  ' })).toBeNull()
  expect(complete(asked('text'), { text: ' Paris ' })).toEqual({ text: 'Paris' })
})

test('an order question starts as it is shown', () => {
  expect(blank(asked('order', ['a', 'b', 'c']))).toEqual({ choices: [0, 1, 2] })
  expect(blank(asked('text'))).toEqual({ text: '' })
})

test('a tap replaces the choice where one is right, and toggles where several may be', () => {
  expect(toggled(asked('single'), [0], 2)).toEqual([2])
  expect(toggled(asked('true_false'), [0], 1)).toEqual([1])
  expect(toggled(asked('multiple'), [2], 0)).toEqual([0, 2])
  expect(toggled(asked('multiple'), [0, 2], 0)).toEqual([2])
})

test('a line moves and the others keep their order', () => {
  expect(moved([3, 1, 2], 2, 0)).toEqual([2, 3, 1])
  expect(moved([3, 1, 2], 0, 1)).toEqual([1, 3, 2])
  expect(moved([3, 1, 2], 0, -1)).toEqual([3, 1, 2])
  expect(moved([3, 1, 2], 2, 3)).toEqual([3, 1, 2])
})

test('a typed solution in words', () => {
  const right = { choices: [], explanation: '' }
  expect(solutionText({ ...right, number: { min: '3', max: '3' } })).toBe('3')
  expect(solutionText({ ...right, number: { min: '3', max: '3.5' } })).toBe('3 – 3.5')
  expect(solutionText({ ...right, text: ['a', 'b', 'c', 'd'] })).toBe('a / b / c')
})

test('tiles stand in pairs where their words are few and short', () => {
  expect(paired(['红楼梦', '水浒传'])).toBe(true)
  expect(paired(['红楼梦的作者是曹雪芹', '水浒传'])).toBe(false)
  expect(paired(['a', 'b', 'c', 'd', 'e'])).toBe(false)
  expect([paired(['红楼梦', '水浒传'], true), paired(['珠穆朗玛峰', '乔戈里峰'], true)]).toEqual([true, false])
})

test('what the solution says of a place', () => {
  expect([0, 1, 2, 3].map((place) => markOf(place, [0, 1], [1, 2]))).toEqual(['missed', 'right', 'wrong', 'other'])
})
