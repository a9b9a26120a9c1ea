import type { Sight } from '../shell/StatePanel.vue'
import type { Scene } from './scene'

/** How each scene but the game and the login looks. */
export const SIGHTS: Record<Exclude<Scene, 'game'>, Sight> = {
  loading: { picture: 'packet', badge: 'clock' },
  offline: { picture: 'lantern', badge: 'offline' },
  overloaded: { picture: 'lantern', badge: 'crowd' },
  unknown_room: { picture: 'lantern', badge: 'search' },
  login: { picture: 'packet', badge: 'user' },
  not_started: { picture: 'lantern', badge: 'clock' },
  ended: { picture: 'ingot', badge: 'flag' },
  paused: { picture: 'lantern', badge: 'pause' },
  sold_out: { picture: 'packet', badge: 'zero' },
  audience: { picture: 'ingot', badge: 'lock' },
  banned: { picture: 'coin', badge: 'ban' },
  replaced: { picture: 'packet', badge: 'phone' },
  too_many_frames: { picture: 'coin', badge: 'clock' },
  failed: { picture: 'packet', badge: 'reload' },
}
