"""How often the gate is wrong: false alarms, missed slowdowns and cost, on a suite with a knob."""
