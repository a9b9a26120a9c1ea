/** What a page of one room keeps over a refresh: its session, and what is still owed to it. */
export interface Frame {
  op: string
  ref: number
  [field: string]: unknown
}

export interface Receipt {
  prize: string | null
  unit: number
  receipt: string
}

export interface Memory {
  session: string | null
  next: number
  v: number | null
  pending: Frame[]
  receipts: Receipt[]
}

export interface Store {
  load(): Memory
  save(memory: Memory): void
}

export function fresh(): Memory {
  return { session: null, next: 1, v: null, pending: [], receipts: [] }
}

/** sessionStorage: a second tab is a session of its own. A page that may not store still plays. */
export function stored(room: string): Store {
  const key = `room:${room}`
  return {
    load() {
      try {
        return { ...fresh(), ...(JSON.parse(sessionStorage.getItem(key) ?? '{}') as Partial<Memory>) }
      } catch {
        return fresh()
      }
    },
    save(memory) {
      try {
        sessionStorage.setItem(key, JSON.stringify(memory))
      } catch {
        // a full or forbidden storage only costs the resume after a refresh
      }
    },
  }
}

/** For spectators, who have nothing to resume. */
export function forgetful(): Store {
  return { load: fresh, save: () => undefined }
}
