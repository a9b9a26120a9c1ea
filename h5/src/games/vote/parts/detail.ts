import { onBeforeUnmount, ref } from 'vue'

interface Mark {
  contestant?: string
}

const ADDRESS = 'contestant'

/** The address that opens a contestant at once: what their posters say. */
export function contestantUrl(room: string, id: string): string {
  return `${location.origin}/play/${encodeURIComponent(room)}?${ADDRESS}=${id}`
}

/** Which contestant is looked at; the phone's own "back" closes the page. */
export function visiting() {
  const asked = new URLSearchParams(location.search).get(ADDRESS)
  const detail = ref(asked && /^c\d{4}$/.test(asked) ? asked : null)
  const marked = (): string | null => (history.state as Mark | null)?.contestant ?? null

  function open(id: string): void {
    if (detail.value === id) return
    if (marked()) history.replaceState({ contestant: id }, '')
    else history.pushState({ contestant: id }, '')
    detail.value = id
  }
  function close(): void {
    detail.value = null
    if (marked()) history.back()
  }
  const moved = (): void => void (detail.value = marked())
  addEventListener('popstate', moved)
  onBeforeUnmount(() => removeEventListener('popstate', moved))
  return { detail, open, close }
}
