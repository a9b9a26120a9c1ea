import { expect, test, vi } from 'vitest'
import type { Prize } from './wire'

vi.stubGlobal('location', { search: '?lang=en' })
vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => undefined })
vi.stubGlobal('document', { documentElement: {}, createElement: () => ({}) })
const { claimWord, isFetched, stepsOf } = await import('./claim')

const prize = (fields: Partial<Prize>): Prize =>
  ({ id: 'mug', name: 'Mug', image: null, kind: 'physical', value: 0, stock: 9, ...fields })

test('a parcel leads to the address, what is fetched on the spot to its code, each in its time', () => {
  const parcel = prize({ claim_days: 5 })
  expect([claimWord(parcel), isFetched(parcel)]).toEqual(['Give my address', true])
  expect(stepsOf(parcel)).toEqual(['Please give your address in My prizes', 'Claim it within 5 days'])
  const desk = prize({ delivery: 'on_site', claim_days: 3 })
  expect([claimWord(desk), isFetched(desk)]).toEqual(['My prizes', true])
  expect(stepsOf(desk)).toEqual(['Your pick-up code is in My prizes', 'Claim it within 3 days'])
})

test('codes and coupons are in the sheet; points and plays come by themselves', () => {
  const said = (['code', 'coupon', 'points', 'chance', 'none'] as const).map((kind) => {
    const one = prize({ kind, value: 1200 })
    return [isFetched(one), claimWord(one), stepsOf(one)]
  })
  expect(said).toEqual([
    [true, 'My prizes', ['Your code is in My prizes']],
    [true, 'My prizes', ['Your coupon is in My prizes']],
    [false, 'My prizes', ['The points come by themselves; see My prizes']],
    [false, 'My prizes', ['1,200 more plays for you']],
    [false, 'My prizes', []],
  ])
  expect(claimWord()).toBe('My prizes')
})
