import { expect, test } from 'vitest'
import { levelsOf, weightOf } from './weight'

const token = (claims: object): string => `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`

test('the highest of the member’s levels counts', () => {
  const weights = [{ level: '金卡', weight: 2 }, { level: 'black', weight: 5 }]
  expect(weightOf(levelsOf(token({ sub: 'm', name: '小明', levels: ['金卡'] })), weights)).toBe(2)
  expect(weightOf(['金卡', 'black'], weights)).toBe(5)
  expect(weightOf(['silver'], weights)).toBe(1)
})

test('a token of another make says nothing', () => {
  for (const odd of [null, '', 'x', 'a.b.c', token({ levels: 'gold' })]) expect(levelsOf(odd)).toEqual([])
})
