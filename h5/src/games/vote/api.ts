import { call } from '../../shell/api'
import { token } from '../../shell/member'
import { Refused } from '../../shell/wire'
import type { Contestant, ContestantList, Order, Pictured, SignedUp } from './events'

/** The contestants of a room over HTTP. All reject with Refused. */
export interface Query {
  order: Order
  search: string
  group: string
  seed: number
}

const SEND_MS = 90_000 // as long as the server waits for a picture

function under(room: string, path: string): string {
  return `/api/rooms/${encodeURIComponent(room)}/${path}`
}

export function contestants(room: string, query: Query, limit: number, after: string | null = null): Promise<ContestantList> {
  const fields = new URLSearchParams({ order: query.order, limit: String(limit) })
  if (query.search) fields.set('search', query.search)
  if (query.group) fields.set('group', query.group)
  if (query.order === 'random') fields.set('seed', String(query.seed))
  if (after) fields.set('after', after)
  return call<ContestantList>(under(room, `contestants?${fields.toString()}`), undefined, token())
}

export function contestant(room: string, id: string): Promise<Contestant> {
  return call<Contestant>(under(room, `contestants/${encodeURIComponent(id)}`), undefined, token())
}

/** The member's own sign-up; null where there is none. */
export async function mySignUp(room: string): Promise<SignedUp | null> {
  try {
    return await call<SignedUp>(under(room, 'signups'), undefined, token())
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return null
    throw error
  }
}

export interface SignupForm {
  name: string
  text: string
  group: string
  media: string[]
}

export function signUp(room: string, form: SignupForm): Promise<SignedUp> {
  return call<SignedUp>(under(room, 'signups'), form, token())
}

/** Sends a picture and says how much of it has left (0 to 1): `fetch` cannot tell. */
export function sendPicture(file: Blob, progress: (part: number) => void): { sent: Promise<Pictured>; abort: () => void } {
  const request = new XMLHttpRequest()
  const sent = new Promise<Pictured>((resolve, reject) => {
    request.open('POST', '/api/media')
    request.timeout = SEND_MS
    request.responseType = 'json'
    request.setRequestHeader('authorization', `Bearer ${token() ?? ''}`)
    request.upload.onprogress = ({ loaded, total }) => progress(total ? loaded / total : 0)
    request.onload = () => {
      if (request.status === 200) return resolve(request.response as Pictured)
      const failure = request.response as { code?: string; retry_ms?: number } | null
      reject(new Refused(failure?.code ?? 'internal', failure?.retry_ms ?? null, request.status))
    }
    request.onerror = request.onabort = () => reject(new Refused('offline'))
    request.ontimeout = () => reject(new Refused('too_slow'))
    request.send(file)
  })
  return { sent, abort: () => request.abort() }
}
