import { expect, test, vi } from 'vitest'
import type { Prize } from '../../shell/wire'

vi.stubGlobal('location', { search: '?lang=en' })
vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => undefined })
vi.stubGlobal('document', { documentElement: {}, createElement: () => ({}) })
const { termsOf } = await import('./terms')

const of = (fields: Partial<Prize>): string[] =>
  termsOf({ id: 'mug', name: 'Mug', image: null, kind: 'physical', value: 0, stock: 9, ...fields }, 'Asia/Shanghai')

test('each kind says how it comes', () => {
  expect(of({ claim_days: 5 })).toEqual(['Sent by post: give your address within 5 days'])
  expect(of({ delivery: 'on_site', claim_days: 3 })).toEqual(['Picked up on the spot with a code, within 3 days'])
  expect(of({ kind: 'chance', value: 2 })).toEqual(['2 extra plays'])
  expect(of({ kind: 'code' })).toEqual(['Code, shown in “My prizes”'])
  expect(of({ kind: 'none' })).toEqual([])
})

test('caps and releases are said in words, steps in their order and in the campaign\'s time', () => {
  const steps = [
    { at: '2026-10-02T12:00:00+08:00', units: 6 },
    { at: '2026-10-01T12:00:00Z', units: 3 },
  ]
  const [, ...said] = of({ per_member: 1, per_day: 20, release: { mode: 'list', steps } })
  expect(said).toEqual([
    'At most 1 for each member',
    'At most 20 a day',
    '3 released at 2026-10-01 20:00 (GMT+8)',
    '6 released at 2026-10-02 12:00 (GMT+8)',
  ])
  expect(of({ release: { mode: 'linear' } })[1]).toBe('Released evenly while the event is on')
})
