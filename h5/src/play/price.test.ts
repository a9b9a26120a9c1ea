import { nextTick, ref } from 'vue'
import { beforeEach, expect, test } from 'vitest'
import { keep } from '../shell/storage'
import type { Charge, Welcome } from '../shell/wire'
import { Price } from './price'

let immersive = ref(false)
let holding = ref(false)
let available = 100
let looks = 0

beforeEach(() => {
  immersive = ref(false)
  holding = ref(false)
  available = 100
  looks = 0
  keep('pays.r1', null)
})

function made(inside = true): Price {
  const price = new Price({
    immersive,
    holding,
    available: () => {
      looks += 1
      return Promise.resolve(available)
    },
  })
  if (inside) price.entered()
  return price
}

const welcome = (cost: number | null, charge?: Charge): Welcome =>
  ({ ev: 'welcome', room: { id: 'r1', cost }, snapshot: { charge } }) as unknown as Welcome
const played = (cost: number, left: number, free: number) => ({ ev: 'played', charge: { cost, left, free } })

test('a room without a cost asks nothing and looks nothing up', () => {
  const price = made()
  price.heard(welcome(null))
  price.heard({ ev: 'settled' })
  expect([price.may(), price.asking.value, price.cost.value, looks]).toEqual([true, false, 0, 0])
})

test('while plays are free nobody is asked', async () => {
  const price = made()
  price.heard(welcome(5, { cost: 0, left: 0, free: 1 }))
  await nextTick()
  expect([price.may(), price.asking.value, price.points.value]).toEqual([true, false, 100])
})

test('who has no free play left is asked first, once for the room', () => {
  const price = made()
  price.heard(welcome(5, { cost: 0, left: 0, free: 0 }))
  expect(price.asking.value).toBe(true)
  expect(price.may()).toBe(false)
  price.agree()
  expect([price.may(), price.asking.value]).toEqual([true, false])
  const again = made()
  again.heard(welcome(5, { cost: 0, left: 0, free: 0 }))
  expect([again.may(), again.asking.value]).toEqual([true, false])
})

test('who declines is asked again by the next tap, and not before', async () => {
  const price = made()
  price.heard(welcome(5, { cost: 0, left: 0, free: 0 }))
  price.decline()
  immersive.value = true
  await nextTick()
  immersive.value = false
  await nextTick()
  expect(price.asking.value).toBe(false)
  expect(price.may()).toBe(false)
  expect(price.asking.value).toBe(true)
})

test('the last free play is played to its end, then the member is asked', async () => {
  const price = made()
  price.heard(welcome(5, { cost: 0, left: 0, free: 1 }))
  immersive.value = true
  await nextTick()
  price.heard(played(0, 0, 0))
  expect([price.may(0), price.asking.value]).toEqual([true, false])
  holding.value = true // its result
  immersive.value = false
  await nextTick()
  expect(price.asking.value).toBe(false)
  holding.value = false
  await nextTick()
  expect(price.asking.value).toBe(true)
  expect(price.may()).toBe(false)
})

test('the points go down with what a play cost, and are looked up when the room took more', async () => {
  const price = made()
  price.heard(welcome(5, { cost: 0, left: 10, free: 0 }))
  await nextTick()
  expect(price.points.value).toBe(110)
  price.heard(played(5, 5, 0))
  expect([price.points.value, looks]).toEqual([105, 1])
  expect(price.paid.value).toEqual({ cost: 5, left: 5, free: 0 })
  available = 50
  price.heard(played(5, 50, 0))
  expect(price.points.value).toBe(100) // at once, before the answer is here
  await nextTick()
  expect([price.points.value, looks]).toEqual([100, 2])
})

test('a free play is not told as paid', () => {
  const price = made()
  price.heard(welcome(5, { cost: 0, left: 0, free: 2 }))
  price.heard(played(0, 0, 1))
  expect(price.paid.value).toBe(null)
})

test('plays given from outside are used before points, and ten at once ask if not all ten are free', () => {
  const price = made()
  price.heard(welcome(5, { cost: 0, left: 0, free: 2, extra: 7 }))
  expect([price.may(), price.may(9), price.asking.value]).toEqual([true, true, false])
  expect([price.may(10), price.asking.value]).toEqual([false, true])
  const unlimited = made()
  unlimited.heard(welcome(5, { cost: 0, left: 0, free: null, extra: 0 }))
  expect([unlimited.may(10), unlimited.asking.value]).toEqual([true, false])
})

test('a page that is reloaded in mid-play asks when the play is over, not before the game is here', async () => {
  const price = made(false)
  price.heard(welcome(5, { cost: 0, left: 0, free: 0 }))
  expect(price.asking.value).toBe(false)
  immersive.value = true // the game's page has found its play in the snapshot
  price.entered()
  await nextTick()
  expect([price.asking.value, price.may(0), price.asking.value]).toEqual([false, true, false])
  immersive.value = false
  await nextTick()
  expect(price.asking.value).toBe(true)
})

test('where plays are free without limit nobody is ever asked', async () => {
  const price = made()
  price.heard(welcome(5, { cost: 0, left: 0, free: null }))
  price.heard({ ev: 'played', charge: { cost: 0, left: 0, free: null } })
  await nextTick()
  expect([price.may(), price.asking.value]).toEqual([true, false])
})
