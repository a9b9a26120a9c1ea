import { onScopeDispose, ref, type Ref } from 'vue'

/** A moment that moves on a few times a second while the component lives. */
export function ticking(now: () => number, everyMs = 200): Ref<number> {
  const moment = ref(now())
  const timer = setInterval(() => (moment.value = now()), everyMs)
  onScopeDispose(() => clearInterval(timer))
  return moment
}
