import { gzipSync } from 'node:zlib'
import type { Plugin, Rolldown } from 'vite'

const KB = 1024
const PAGE_CALLS = 3 // what a first visit fetches beside files: the room, the ticket, the socket

interface Budget {
  js: number
  css: number
  requests: number
}

const GAME_PAGE: Budget = { js: 70 * KB, css: 15 * KB, requests: 10 }
const BIG_SCREEN: Budget = { js: 285 * KB, css: 15 * KB, requests: 20 }

type Bundle = Rolldown.OutputBundle

/** A chunk's files and those of everything it imports at once. */
function closure(bundle: Bundle, file: string, found = new Set<string>()): Set<string> {
  const chunk = bundle[file]
  if (found.has(file) || chunk?.type !== 'chunk') return found
  found.add(file)
  for (const sheet of chunk.viteMetadata?.importedCss ?? []) found.add(sheet)
  for (const other of chunk.imports) closure(bundle, other, found)
  return found
}

function gzipped(bundle: Bundle, file: string): number {
  const output = bundle[file]
  if (!output) return 0
  return gzipSync(output.type === 'chunk' ? output.code : output.source, { level: 9 }).length
}

function chunkOf(bundle: Bundle, module: RegExp): string[] {
  return Object.values(bundle).flatMap((output) =>
    output.type === 'chunk' && module.test(output.facadeModuleId ?? '') ? [output.fileName] : [],
  )
}

function measure(bundle: Bundle, files: Set<string>): Budget {
  const sum = (end: string): number =>
    [...files].filter((file) => file.endsWith(end)).reduce((bytes, file) => bytes + gzipped(bundle, file), 0)
  return { js: sum('.js'), css: sum('.css'), requests: files.size + 1 + PAGE_CALLS }
}

function overruns(page: string, size: Budget, budget: Budget): string[] {
  return (Object.keys(budget) as (keyof Budget)[])
    .filter((part) => size[part] > budget[part])
    .map((part) => `${page}: ${part} ${size[part]} is over its budget of ${budget[part]}`)
}

/** Fails the build when a page has grown over what H5.md allows (gzip). */
export function budgets(): Plugin {
  return {
    name: 'budgets',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        const pages: [string, Set<string>, Budget][] = []
        const entry = (page: string): string[] => chunkOf(bundle, new RegExp(`/${page}\\.html$`))
        const [lobby = '', play = '', screen = ''] = ['index', 'play', 'screen'].flatMap(entry)
        pages.push(['lobby', closure(bundle, lobby), GAME_PAGE])
        for (const game of chunkOf(bundle, /\/src\/games\/[^/]+\/page\.ts$/))
          pages.push([game, closure(bundle, game, closure(bundle, play)), GAME_PAGE])
        const stages = chunkOf(bundle, /\/src\/games\/[^/]+\/stage\.ts$/)
        for (const stage of stages) pages.push([stage, closure(bundle, stage, closure(bundle, screen)), BIG_SCREEN])
        const failed = pages.flatMap(([page, files, budget]) => {
          const size = measure(bundle, files)
          const kb = (bytes: number): string => (bytes / KB).toFixed(1)
          this.info(`${page}: ${kb(size.js)} KB JS, ${kb(size.css)} KB CSS (gzip), ${size.requests} requests`)
          return overruns(page, size, budget)
        })
        if (!play || !screen || !lobby) failed.push('a page is missing from the bundle')
        if (failed.length) this.error(failed.join('\n'))
      },
    },
  }
}
