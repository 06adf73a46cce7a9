"""How many draws does a score rest on, and how much noise do they leave?"""
for partition, draws in meta["draws"].items():
    fact("noise_left", partition=partition, draws=draws, percent=num(100 / draws**0.5, 3))
