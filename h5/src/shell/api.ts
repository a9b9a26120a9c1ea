import { token } from './member'
import { Refused, type RoomCard, type RoomDetails, type Why, type Won } from './wire'

const PATIENCE_MS = 10_000

interface Failure {
  code?: string
  retry_ms?: number
  fields?: Record<string, string>
}

/** One call of the HTTP API. Raises Refused; its status is 0 where no answer came. */
export async function call<Answer>(path: string, body?: unknown, bearer?: string | null): Promise<Answer> {
  const abort = new AbortController()
  const patience = setTimeout(() => abort.abort(), PATIENCE_MS)
  const headers: Record<string, string> = {}
  if (body !== undefined) headers['content-type'] = 'application/json'
  if (bearer) headers.authorization = `Bearer ${bearer}`
  try {
    const response = await fetch(path, {
      method: body === undefined ? 'GET' : 'POST',
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: abort.signal,
    })
    if (response.ok) return (await response.json()) as Answer
    const failure = (await response.json().catch(() => ({}))) as Failure
    throw new Refused(failure.code ?? 'internal', failure.retry_ms ?? null, response.status, failure.fields)
  } catch (error) {
    throw error instanceof Refused ? error : new Refused('offline')
  } finally {
    clearTimeout(patience)
  }
}

export async function rooms(): Promise<RoomCard[]> {
  return (await call<{ rooms: RoomCard[] }>('/api/rooms')).rooms
}

export function roomDetails(room: string): Promise<RoomDetails> {
  return call<RoomDetails>(`/api/rooms/${encodeURIComponent(room)}`)
}

export async function ticket(room: string): Promise<string> {
  return (await call<{ ticket: string }>('/api/tickets', { room }, token())).ticket
}

export async function spectatorTicket(room: string): Promise<string> {
  return (await call<{ ticket: string }>('/api/tickets', { room, spectator: true })).ticket
}

export async function hostTicket(room: string, host: string): Promise<string> {
  return (await call<{ ticket: string }>('/api/tickets', { room, host })).ticket
}

export function demoLogin(name: string): Promise<{ token: string; member: string; name: string }> {
  return call('/api/demo/login', { name })
}

export async function myPrizes(): Promise<Won[]> {
  return (await call<{ prizes: Won[] }>('/api/me/prizes', undefined, token())).prizes
}

/** What stands in the way of the member's next play. */
export function why(room: string): Promise<Why> {
  return call<Why>(`/api/rooms/${encodeURIComponent(room)}/why`, undefined, token())
}

export interface Points {
  available: number
  held: number
  pending: number
  expiring: number // of the available ones, soon; the first of them at `expires_at`
  expires_at: number | null
}

export function myPoints(): Promise<Points> {
  return call<Points>('/api/me/points', undefined, token())
}
