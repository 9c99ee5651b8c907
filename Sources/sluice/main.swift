import SluiceCommand

Sluice.launch()
