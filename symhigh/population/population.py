class Population: pass
