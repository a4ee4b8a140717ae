"""Drawing a chart with a library: any chart, whatever kind of figure it is."""
