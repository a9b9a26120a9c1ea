import { createApp } from 'vue'
import '../shell/style.css'
import LobbyPage from './LobbyPage.vue'

createApp(LobbyPage).mount('#app')
