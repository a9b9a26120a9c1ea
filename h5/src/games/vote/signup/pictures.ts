import { computed, onScopeDispose, ref } from 'vue'
import { Refused } from '../../../shell/wire'
import { sendPicture } from '../api'
import type { Pictured } from '../events'

/** A picture of the form: on its way, there, or not taken. */
export interface Chosen {
  key: number
  preview: string
  part: number // sent, 0 to 1
  kept: Pictured | null
  wrong: string // the code of what it was refused for, or nothing
}

interface Sending {
  file: Blob
  abort: () => void
}

type Send = typeof sendPicture

/** The pictures of a form, in order; each is sent as soon as it is chosen. */
export function chosenPictures(most: () => number, send: Send = sendPicture) {
  const pictures = ref<Chosen[]>([])
  const sending = new Map<number, Sending>()
  let keys = 0

  const place = (key: number): Chosen | undefined => pictures.value.find((one) => one.key === key)

  async function upload(key: number, file: Blob): Promise<void> {
    const started = send(file, (part) => {
      const one = place(key)
      if (one) one.part = part
    })
    sending.set(key, { file, abort: started.abort })
    try {
      const kept = await started.sent
      const one = place(key)
      if (one) Object.assign(one, { kept, part: 1 })
    } catch (error) {
      const one = place(key)
      if (one) one.wrong = error instanceof Refused ? error.code : 'unknown'
    }
  }

  function add(files: Iterable<Blob>): void {
    for (const file of files) {
      if (pictures.value.length >= most()) return
      const key = ++keys
      pictures.value.push({ key, preview: URL.createObjectURL(file), part: 0, kept: null, wrong: '' })
      void upload(key, file)
    }
  }

  function again(key: number): void {
    const one = place(key)
    const before = sending.get(key)
    if (!one || !before) return
    Object.assign(one, { wrong: '', part: 0 })
    void upload(key, before.file)
  }

  function remove(key: number): void {
    const one = place(key)
    if (!one) return
    pictures.value = pictures.value.filter((other) => other !== one)
    if (!one.kept) sending.get(key)?.abort()
    sending.delete(key)
    if (one.preview.startsWith('blob:')) URL.revokeObjectURL(one.preview)
  }

  /** Those of an earlier entry. */
  function start(kept: Pictured[]): void {
    pictures.value = kept.map((one) => ({ key: ++keys, preview: one.thumb, part: 1, kept: one, wrong: '' }))
  }

  onScopeDispose(() => {
    for (const one of [...pictures.value]) remove(one.key)
  })
  return {
    pictures, add, again, remove, start,
    waiting: computed(() => pictures.value.some((one) => !one.kept && !one.wrong)),
    broken: computed(() => pictures.value.some((one) => one.wrong)),
    urls: (): string[] => pictures.value.flatMap((one) => (one.kept ? [one.kept.url] : [])),
  }
}
