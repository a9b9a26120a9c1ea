import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'
import { budgets } from './build/budgets.ts'
import { routes } from './build/routes.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

const SHARED =
  /node_modules[\\/]@?vue|preload-helper|rolldown.runtime|src[\\/]shell[\\/](?!poster|qr|Qr|stage)|src[\\/]play[\\/](?!sheets|main)/

const PARTS = /src[\\/]games[\\/](\w+)[\\/]parts[\\/]/

export default defineConfig({
  base: '/static/h5/',
  plugins: [vue(), routes(), budgets()],
  define: { __VUE_OPTIONS_API__: 'false', __VUE_PROD_DEVTOOLS__: 'false' },
  build: {
    outDir: here('../gameserver/static/h5'),
    emptyOutDir: true,
    target: ['es2019', 'chrome79', 'safari13'], // the oldest WeChat webviews still in use
    cssTarget: ['chrome79', 'safari13'],
    modulePreload: { polyfill: false }, // the polyfill would be an inline script, which the CSP forbids
    assetsInlineLimit: 0,
    rolldownOptions: {
      // a chunk merged into a page's entry brings that page one more file, for the names of both
      experimental: { chunkOptimization: { mergeCommonChunks: false } },
      input: { index: here('./index.html'), play: here('./play.html'), screen: here('./screen.html') },
      output: {
        codeSplitting: {
          // one chunk that all pages share, because each file costs a phone a round trip;
          // what only some visits need (sheets, QR codes) stays apart
          // what the pages of one game have in common is one chunk too
          groups: [
            { name: 'shell', test: SHARED, priority: 1 },
            { name: (id) => PARTS.exec(id)?.[1] ?? null, test: PARTS },
          ],
        },
      },
    },
  },
  server: {
    proxy: { '/api': 'http://localhost:8000', '/ws': { target: 'ws://localhost:8000', ws: true } },
  },
  test: { include: ['src/**/*.test.ts'] },
})
