import type { Component } from 'vue'
import type { Appearance } from '../events'

const SKINS: Record<Appearance, () => Promise<{ default: Component }>> = {
  wheel: () => import('./WheelSkin.vue'),
  grid: () => import('./GridSkin.vue'),
  scratch: () => import('./ScratchSkin.vue'),
  egg: () => import('./EggSkin.vue'),
  flip: () => import('./FlipSkin.vue'),
  slot: () => import('./SlotSkin.vue'),
  blind_box: () => import('./BagSkin.vue'),
}

/** A skin's drawing, loaded when a room wants it. */
export async function skinOf(appearance: Appearance): Promise<Component> {
  return (await SKINS[appearance]()).default
}
