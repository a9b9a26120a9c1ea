import type { Lang } from '../../../shell/locale'

/** The game's name alone: the lobby lists all games and loads nothing else of them. */
export const name: Record<Lang, string> = { 'zh-CN': '投票评选', en: 'Vote' }
