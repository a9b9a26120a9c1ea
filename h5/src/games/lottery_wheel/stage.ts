export { default as Stage } from './StageView.vue'
