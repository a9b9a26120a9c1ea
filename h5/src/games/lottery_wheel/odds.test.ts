import { beforeAll, expect, test, vi } from 'vitest'
import type { Play, WheelPrize } from './events'

beforeAll(() => {
  vi.stubGlobal('location', { search: '?lang=en' })
  vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => undefined })
  vi.stubGlobal('document', { documentElement: {}, createElement: () => ({}) })
})

const prize = (id: string, odds: number, fields: Partial<WheelPrize> = {}): WheelPrize => ({
  id, name: id.toUpperCase(), image: null, kind: 'points', value: 5, weight: 1, odds, unlock_after: null,
  per_member: null, per_day: null, stock: null, ...fields,
})
const play: Play = {
  appearance: 'wheel',
  prizes: [prize('car', 1, { stock: 2, per_member: 1, per_day: 1, unlock_after: 3 }), prize('tea', 33_333), prize('no', 66_666)],
  pools: [{ audience: { match: 'any_of', levels: ['gold', 'black'], tags: [] }, odds: { car: 2000, no: 98_000 } }],
  pity: { after: 9, prizes: ['car', 'tea'] },
  ten_draw: true,
}

test('the rules say every odd of the base and of the pools, and what a prize waits for', async () => {
  const { oddsFacts, percent } = await import('./odds')
  expect([1, 33_333, 12_500, 100_000, 0].map(percent)).toEqual(['0.001%', '33.333%', '12.5%', '100%', '0%'])
  const facts = oddsFacts(play)
  const said = facts.map(({ label, text }) => `${label}: ${text}`).join('\n')
  for (const part of ['CAR: 0.001% · open after 3 plays', 'TEA: 33.333%', 'gold or black', 'CAR 2%', 'NO 98%', '9'])
    expect(said).toContain(part)
  expect(new Set(facts.map((fact) => fact.label)).size).toBe(facts.length)
  // stock and caps are said once, with the prizes
  expect(facts[0]!.text).toBe('0.001% · open after 3 plays')
})
