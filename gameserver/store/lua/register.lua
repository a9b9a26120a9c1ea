-- Registers the library's functions. @name@ is the game's name and a hash of the library's text, so that
-- nodes of two versions can run beside each other during a rolling deploy.
redis.register_function('tick_@name@', tick)
redis.register_function('open_@name@', open)
redis.register_function('set_state_@name@', set_state)
redis.register_function('views_@name@', views)
redis.register_function('clock_@name@', clock)
redis.register_function('fold_@name@', fold)
redis.register_function('close_purses_@name@', close_purses)
redis.register_function('explain_@name@', explain)
