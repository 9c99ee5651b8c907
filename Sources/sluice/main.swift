import SluiceCommand

await Sluice.launch()
