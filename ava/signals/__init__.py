"""Signals and the trading loop: prices in, decisions and paper orders out, each accounted for."""
