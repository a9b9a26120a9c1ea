import { effectScope } from 'vue'
import { afterEach, expect, test, vi } from 'vitest'
import { Refused } from '../../../shell/wire'
import type { Pictured } from '../events'
import { chosenPictures } from './pictures'

const scope = effectScope()
afterEach(() => vi.restoreAllMocks())

/** Pictures whose sending is answered by hand. */
function made(most = 3) {
  const sent: { part: (part: number) => void; resolve: (kept: Pictured) => void; reject: (why: Refused) => void; aborted: boolean }[] = []
  vi.spyOn(URL, 'createObjectURL').mockReturnValue('blob:x')
  vi.spyOn(URL, 'revokeObjectURL').mockReturnValue()
  const form = scope.run(() =>
    chosenPictures(() => most, (_file, part) => {
      const one = { part, resolve: (_: Pictured) => {}, reject: (_: Refused) => {}, aborted: false }
      const waiting = new Promise<Pictured>((resolve, reject) => Object.assign(one, { resolve, reject }))
      sent.push(one)
      return { sent: waiting, abort: () => (one.aborted = true) }
    }),
  )!
  return { form, sent }
}
const kept = (url: string): Pictured => ({ url, thumb: url })
const settled = (): Promise<void> => new Promise((resolve) => queueMicrotask(() => queueMicrotask(resolve)))
const file = new Blob(['x'])

test('no more are taken than may be sent in; each says how far it is', async () => {
  const { form, sent } = made(2)
  form.add([file, file, file])
  expect([form.pictures.value.length, form.waiting.value]).toEqual([2, true])
  sent[0]!.part(0.5)
  expect(form.pictures.value[0]!.part).toBe(0.5)
  sent[1]!.resolve(kept('/b'))
  sent[0]!.resolve(kept('/a'))
  await settled()
  expect([form.urls(), form.waiting.value]).toEqual([['/a', '/b'], false])
})

test('what was not taken says so and can be sent again, or removed', async () => {
  const { form, sent } = made()
  form.add([file, file])
  sent[0]!.reject(new Refused('bad_picture'))
  await settled()
  const [bad, going] = form.pictures.value
  expect([bad!.wrong, form.broken.value]).toEqual(['bad_picture', true])
  form.again(bad!.key)
  expect([form.broken.value, sent.length]).toEqual([false, 3])
  form.remove(going!.key)
  expect(sent[1]!.aborted).toBe(true)
  sent[2]!.resolve(kept('/a'))
  await settled()
  expect(form.urls()).toEqual(['/a'])
})

test('an entry that was sent before brings its pictures', () => {
  const { form } = made()
  form.start([kept('/a'), kept('/b')])
  form.remove(form.pictures.value[0]!.key)
  expect([form.urls(), form.waiting.value]).toEqual([['/b'], false])
})
