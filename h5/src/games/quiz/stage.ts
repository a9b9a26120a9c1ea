export { default as Stage } from './screen/StageView.vue'
