import { createApp } from 'vue'
import '../shell/style.css'
import PlayPage from './PlayPage.vue'

createApp(PlayPage).mount('#app')
