import { expect, test } from 'vitest'
import type { WheelPrize } from './events'
import { type Face, faceOf, placesOf, spread } from './faces'
import { fitted, wrapped } from './wrap'

const prize = (id: string, fields: Partial<WheelPrize> = {}): WheelPrize => ({
  id, name: id, image: null, kind: 'points', value: 5, weight: 1, odds: 1, unlock_after: null,
  per_member: null, per_day: null, stock: null, ...fields,
})
const faces = (n: number): Face[] => Array.from({ length: n }, (_, i) => faceOf(prize(`p${i}`)))

test.each([2, 3, 7, 8])('%i prizes fill all eight places, each with one of its own', (n) => {
  const cells = spread(faces(n), 8, 'more')
  expect(cells).toHaveLength(8)
  for (let i = 0; i < n; i++) for (const place of placesOf(cells, `p${i}`)) expect(cells[place]!.id).toBe(`p${i}`)
})

test.each([9, 12])('of %i prizes seven have a place and the rest share the last', (n) => {
  const cells = spread(faces(n), 8, 'more')
  expect(cells.map((cell) => cell.id)).toEqual(['p0', 'p1', 'p2', 'p3', 'p4', 'p5', 'p6', ''])
  expect(cells[7]!.name).toBe('more')
  expect(placesOf(cells, 'p3')).toEqual([3])
  for (let i = 7; i < n; i++) expect(placesOf(cells, `p${i}`)).toEqual([7])
})

test('a picture of its own is kept, and every kind has a drawing', () => {
  expect(faceOf(prize('a', { image: '/media/x' })).image).toBe('/media/x')
  const kinds = ['points', 'coupon', 'physical', 'code', 'chance', 'none'] as const
  const drawn = kinds.map((kind) => faceOf(prize('a', { kind })).art)
  expect(new Set(drawn).size).toBe(kinds.length)
  for (const art of drawn) expect(art).toMatch(/^<svg.*<\/svg>$/s)
})

const letters = (line: string): number => [...line].length

test('Chinese names break anywhere', () => {
  expect(wrapped('谢谢参与', 4, 2, letters)).toEqual(['谢谢参与'])
  expect(wrapped('智能降噪耳机', 4, 2, letters)).toEqual(['智能降噪', '耳机'])
  expect(wrapped('智能降噪蓝牙耳机礼盒', 4, 2, letters)).toEqual(['智能降噪', '蓝牙耳…'])
})

test('words stay whole, and nothing is wider than it may be', () => {
  expect(wrapped('Gift box', 5, 2, letters)).toEqual(['Gift', 'box'])
  expect(wrapped('20 积分', 6, 2, letters)).toEqual(['20 积分'])
  expect(wrapped('', 5, 2, letters)).toEqual([])
  for (const text of ['Unbelievable headphones', '一等奖 iPhone 99 Pro Max 1TB', 'a b c d e f g h'])
    for (const line of wrapped(text, 6, 2, letters)) expect(letters(line)).toBeLessThanOrEqual(6)
})

test('a name takes one line as long as its letters stay readable, then two, and ends in an ellipsis last', () => {
  const em = (line: string, px: number): number => [...line].length * px
  expect(fitted('再抽一次', 40, 12, 8, em)).toMatchObject({ lines: ['再抽一次'] })
  expect(fitted('再抽', 40, 12, 8, em).px).toBe(12)
  const two = fitted('星空马克杯', 40, 12, 8, em)
  expect([two.lines, two.px]).toEqual([['星空马', '克杯'], 12])
  const cut = fitted('限量星空陶瓷马克杯典藏礼盒', 40, 12, 8, em)
  expect([cut.px, cut.lines.length, cut.lines[1]]).toEqual([8, 2, '瓷马克杯…'])
  for (const line of [...two.lines, ...cut.lines]) expect(em(line, 8)).toBeLessThanOrEqual(40)
})

test('letters get smaller and lines more before a word is broken', () => {
  const em = (line: string, px: number): number => [...line].length * px
  expect(fitted('20 points', 40, 12, 8, em).lines).toEqual(['20', 'points'])
  expect(fitted('限量星空陶瓷马克杯礼盒', 40, 12, 8, em, 3).lines.join('')).toBe('限量星空陶瓷马克杯礼盒')
  expect(fitted('满50减10元代金券', 40, 12, 10, em, 3).lines).toEqual(['满50减', '10元代', '金券'])
  expect(fitted('Pro-grade sound bar', 60, 12, 8, em, 3).lines).toEqual(['Pro-grade', 'sound bar'])
  const word = fitted('Unbelievable headphones', 40, 12, 8, em, 3)
  expect([word.px, word.lines.length]).toEqual([8 * 0.8, 3])
})
