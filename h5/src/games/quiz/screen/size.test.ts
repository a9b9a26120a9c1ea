import { expect, test } from 'vitest'
import type { Asked } from '../events'
import { optionSize, questionSize, units } from './size'

const asked = (fields: Partial<Asked>): Asked => ({
  question: 0, of: 9, kind: 'single', text: '哪座城市被称为“春城”？', image: null, options: [], difficulty: 1, starts_at: 0, ends_at: 1, ...fields,
})
const size = (options: string[], told = false, why = '', image: string | null = null): number =>
  optionSize(asked({ options, image }), options, told, why, true)

test('a letter of Chinese is wider than one of English', () => {
  expect(units('春城')).toBe(2)
  expect(units('ab')).toBeLessThan(2)
})

test('a question is as large as its card allows', () => {
  expect(questionSize(asked({}))).toBe(3.4)
  const long = questionSize(asked({ text: '问'.repeat(120) }))
  expect(long).toBeLessThan(2.2)
  expect(long).toBeGreaterThan(1.2)
  expect(questionSize(asked({ text: '问'.repeat(500) }))).toBe(1.2)
})

test('options get smaller the more and the longer they are, beside a picture, and with what is told', () => {
  const four = ['昆明', '成都', '桂林', '大理']
  const long = ['向顾客说明优惠分摊规则，并在系统中按照实付比例重新计算应退金额后再办理', ...four.slice(1)]
  const ten = [...long, ...long.map((one) => `${one}。`), '一', '二']
  expect(size(four)).toBe(3.4)
  expect(size(['对', '错'])).toBe(4)
  expect(size(long)).toBeLessThan(3.4)
  expect(size(long, true)).toBeLessThan(size(long))
  expect(size(long, true, '因为'.repeat(60))).toBeLessThan(size(long, true))
  expect(size(long, false, '', '/p.jpg')).toBeLessThan(size(long))
  expect(size(ten)).toBeLessThan(size(long))
  expect(size(['9', '2', '5', '21', '11', '15', '17', '49'])).toBeGreaterThan(2.2)
})
