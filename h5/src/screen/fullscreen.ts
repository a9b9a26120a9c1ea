import { onBeforeUnmount, onMounted, ref } from 'vue'

/** Full screen by the F key or a click, and a screen that does not fall asleep. */
export function fullScreen() {
  const full = ref(false)

  function toggle(): void {
    if (document.fullscreenElement) void document.exitFullscreen()
    else void document.documentElement.requestFullscreen?.()
  }

  function key(event: KeyboardEvent): void {
    if (event.defaultPrevented) return // a host's key
    if (event.key.toLowerCase() === 'f' && !event.ctrlKey && !event.metaKey && !event.altKey) toggle()
  }

  const changed = (): void => void (full.value = document.fullscreenElement !== null)

  async function stayAwake(): Promise<void> {
    try {
      if (!document.hidden) await navigator.wakeLock?.request('screen')
    } catch {
      // refused on battery saving: the projector's own settings decide
    }
  }
  const awake = (): void => void stayAwake()

  onMounted(() => {
    addEventListener('keydown', key)
    document.addEventListener('fullscreenchange', changed)
    document.addEventListener('visibilitychange', awake)
    awake()
  })
  onBeforeUnmount(() => {
    removeEventListener('keydown', key)
    document.removeEventListener('fullscreenchange', changed)
    document.removeEventListener('visibilitychange', awake)
  })
  return { full, toggle }
}
