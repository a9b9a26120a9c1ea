import { artOf, others } from './art/kinds'
import type { Kind, WheelPrize } from './events'

/** How a prize is shown: its own picture, or our drawing of its kind. */
export interface Face {
  id: string
  name: string
  kind: Kind
  image: string | null
  art: string
}

export function faceOf({ id, name, kind, image, value }: WheelPrize): Face {
  return { id, name, kind, image, art: artOf(kind, value) }
}

/** Stands for all prizes without a place of their own; its id is none of theirs. */
export function otherFace(name: string): Face {
  return { id: '', name, kind: 'physical', image: null, art: others() }
}

/** Exactly `places` faces: few are repeated in order, of too many the last place stands for the rest. */
export function spread(faces: Face[], places: number, more: string): Face[] {
  if (faces.length > places) return [...faces.slice(0, places - 1), otherFace(more)]
  return faces.length ? Array.from({ length: places }, (_, i) => faces[i % faces.length]!) : []
}

/** The places of a prize among them; those without a place are at the last. */
export function placesOf(faces: Face[], id: string): number[] {
  const found = faces.flatMap((face, i) => (face.id === id ? [i] : []))
  return found.length ? found : [faces.length - 1]
}
